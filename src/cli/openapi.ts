import { describeApi } from '../api/openapi';
import { createOperations } from '../api/operations';
import { createRecordingOperations } from '../api/recording-operations';
import { type CommandContext, runSettingsCommand } from './run-command';

/** `npm run openapi`: prints the OpenAPI description of the API. */
export async function openapi({ stdout }: Pick<CommandContext, 'stdout'>): Promise<void> {
  // The description needs none of what the handlers use.
  const operations = [
    ...createOperations({} as Parameters<typeof createOperations>[0]),
    ...createRecordingOperations({} as Parameters<typeof createRecordingOperations>[0]),
  ];
  stdout.write(`${JSON.stringify(describeApi(operations), undefined, 2)}\n`);
}

if (require.main === module) {
  runSettingsCommand('openapi', openapi);
}
