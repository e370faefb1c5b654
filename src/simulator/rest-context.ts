import type { RestLookup } from './rest-lookup';
import type { RestResources } from './rest-resources';
import type { Space } from './space';

/** What the routes of the REST API share. */
export interface RestContext {
  space: Space;
  /** Finds the resource that a path names. */
  find: RestLookup;
  /** Represents a resource. */
  show: RestResources;
}
