import type { Mode } from '../rooms/mode';

/** Every text of the screen in English. `german` in texts-de.ts has the same fields. */
export const english = {
  language: 'en-GB',
  product: 'Conference Coach',
  skip: 'Skip to the rooms',

  nav: { rooms: 'Rooms', recordings: 'Recordings', audit: 'Audit trail', mine: 'My calls', signOut: 'Sign out' },

  signIn: {
    title: 'Sign in',
    name: 'Name',
    password: 'Password',
    submit: 'Sign in',
    oidc: 'Sign in with your company account',
    nobody: 'Nobody can sign in yet. On the server, give somebody a password:',
    wrong: 'Name or password is wrong.',
    lockedOut: (minutes: number) =>
      `Too many wrong passwords. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
    busy: 'Too many people are signing in. Try again in a few seconds.',
    storeAway: 'The server cannot reach its store, so nobody can sign in. Calls go on. Try again soon.',
    oidcFailed: 'Your company account could not be checked. Try again, or use a password.',
    oidcUnverified: 'Your company account has no verified email address. Ask whoever manages these accounts.',
    oidcUnknown: 'Your company account is not in the roster. Ask whoever keeps it to add your email address.',
  },

  top: {
    waiting: 'Waiting',
    longestWait: 'Longest wait',
    target: (duration: string) => `target ${duration}`,
    live: 'Live',
    none: 'none',
  },

  link: {
    live: 'Live',
    connecting: 'Connecting…',
    /** `{ago}` is replaced by a duration. */
    stale: 'Last update {ago} ago',
    staleHint: 'What you see may be out of date.',
    storeAway: 'The server cannot reach its store: what you see may be out of date.',
  },

  modes: { monitor: 'Listen', coach: 'Coach', barge: 'Talk to everyone' } satisfies Record<Mode, string>,

  hearing: {
    nobody: 'Nobody hears you',
    agent: (name: string | undefined) => `Only ${name ?? 'the agent'} hears you`,
    everyone: 'EVERYONE hears you',
    unknown: 'It is not known who hears you',
    onHold: 'You are on hold. Nobody hears you',
    entering: 'You are being connected',
    called: 'Your telephone is ringing. Answer it and press a key',
    /** The same of somebody else. */
    ofOther: {
      nobody: 'heard by nobody',
      agent: (name: string | undefined) => `heard by ${name ?? 'the agent'} only`,
      everyone: 'heard by EVERYONE',
      unknown: 'unknown who hears them',
      onHold: 'on hold',
      entering: 'on the way in',
    },
    requested: (mode: string) => `${mode} requested, not confirmed yet`,
    /** `{ago}` is replaced by a duration. */
    confirmed: 'confirmed {ago} ago',
    confirmedPlain: 'confirmed',
    notConfirmed: (mode: string) => `${mode} not confirmed`,
  },

  you: {
    title: 'You',
    nowhere: 'You are in no room.',
    howToListen: 'Press Listen on a room, or dial the supervisors’ number.',
    howToDial: 'To listen, dial the supervisors’ number.',
    inRoom: (room: string) => `in ${room}`,
    leave: 'Leave',
    several: 'You are in more than one room.',
  },

  sections: { attention: 'Needs attention', talking: 'Talking', waiting: 'Waiting' },
  sectionEmpty: { attention: 'Nothing needs attention.', talking: 'Nobody is talking.', waiting: 'Nobody is waiting.' },

  roles: { moderator: 'agent', caller: 'customer', supervisor: 'supervisor', unknown: 'unknown role' },
  unnamed: { moderator: 'Agent', caller: 'Customer', supervisor: 'Supervisor', unknown: 'Somebody' },

  card: {
    talking: 'talking',
    waiting: 'waiting',
    alone: 'waits for a customer',
    ended: 'ended',
    onHold: 'on hold',
    muted: 'muted',
    speaking: 'speaking',
    entering: 'on the way in',
    recording: 'Recording',
    paused: 'Recording paused',
    more: 'More',
    participants: (room: string) => `Participants in ${room}`,
  },

  alerts: {
    'supervisor-unknown': 'Not known who hears a supervisor',
    'no-agent': 'Customer without an agent',
    'long-hold': 'Long on hold',
    silence: 'Silence',
    'long-call': 'Long call',
  },
  alertOver: 'over',

  actions: {
    listen: 'Listen',
    coach: 'Coach',
    barge: 'Talk to everyone',
    leave: 'Leave',
    mute: 'Mute',
    unmute: 'Unmute',
    hold: 'Hold',
    unhold: 'Off hold',
    remove: 'Remove…',
    record: 'Record',
    pause: 'Pause',
    resume: 'Resume',
    stop: 'Stop…',
    end: 'End the call…',
    note: (who: string) => `Note to ${who}`,
    noteHint: 'Spoken to the agent alone',
    sendNote: 'Say it',
    cancel: 'Cancel',
    close: 'Close',
    undo: (mode: string) => `Back to ${mode}`,
  },

  confirm: {
    remove: (who: string, room: string) => `Remove ${who} from ${room}? Their call ends.`,
    end: (room: string, people: string) => `End the call in ${room} for ${people}?`,
    stop: (room: string, people: string) =>
      `Stop recording ${people} in ${room}? A stopped recording cannot be resumed.`,
    yes: { remove: 'Remove', end: 'End the call', stop: 'Stop recording' },
    everybody: 'everybody',
  },

  results: {
    listen: 'Your telephone will ring. Answer it and press a key.',
    monitor: 'Nobody hears you now.',
    coach: 'Only the agent hears you now.',
    barge: 'EVERYONE hears you now.',
    leave: 'You have left.',
    mute: 'Muted.',
    unmute: 'Not muted any more.',
    hold: 'On hold.',
    unhold: 'Off hold.',
    remove: 'Removed.',
    note: 'The note was passed on.',
    record: 'Recording.',
    pause: 'The recording is paused.',
    resume: 'The recording goes on.',
    stop: 'The recording is stopped.',
    end: 'The call has ended.',
  },

  /** By the problem codes of the API; others are shown as `other`. */
  problems: {
    busy: 'Another action is in the way. Try again in a few seconds.',
    not_allowed: 'You may not do that here.',
    not_in_room: 'They are not in the conference any more.',
    left: 'They left meanwhile.',
    no_conference: 'No conference is running in this room.',
    no_moderator: 'No agent is in this room.',
    conversation_changed: 'The conversation has changed. Look again, then choose again.',
    muted_by_server: 'The server muted you meanwhile, because the conversation changed.',
    superseded: 'A later action took the place of this one.',
    store_away: 'The server cannot reach its store. Nothing was done. Try again soon.',
    rest_not_configured: 'The server cannot control calls: SignalWire’s REST API is not configured.',
    calls_not_configured: 'The server cannot call you: CALLER_ID is not set. Dial the supervisors’ number.',
    no_address: 'The roster has no number for you. Dial the supervisors’ number.',
    space_refused: 'SignalWire refused.',
    space_timeout: 'SignalWire did not answer in time.',
    space_unreachable: 'SignalWire could not be reached.',
    space_unreadable: 'SignalWire gave an answer that could not be read.',
    ineffective: 'SignalWire took the change, but did not make it.',
    already_recording: 'This call is being recorded already. Resume or stop that recording.',
    no_such_recording: 'This room has no such recording.',
    notes_not_private: 'Customers might hear the note, so it was not spoken. See ANNOUNCE_IS_PRIVATE.',
    not_a_moderator: 'Notes go to agents only.',
    is_a_supervisor: 'This is a supervisor. They choose for themselves who hears them.',
    not_a_supervisor: 'You are not in this room as a supervisor.',
    invalid_body: 'A note has 1 to 300 characters on one line.',
    cross_site: 'This request did not come from this page. Reload it and try again.',
    signed_out: 'You are signed out. Sign in again.',
    elsewhere: 'You are in another room. Leave it first.',
    abandoned: 'This was not finished in time.',
    stopping: 'This server is stopping. Try again in a few seconds.',
    other: 'That did not work. Look at the room, then try again.',
  } as Readonly<Record<string, string>> & { other: string },

  board: {
    title: 'Rooms',
    search: 'Search',
    searchHint: 'Room, name or number',
    noMatch: 'No room matches.',
    /** `{count}` is replaced by a number. */
    held: { one: '1 change waits', many: '{count} changes wait' },
    showHeld: 'Show',
    empty: 'Nobody is on the line.',
    firstRunTitle: 'No call has come in yet',
    firstRun: [
      'In your SignalWire Space, let the number that agents and customers dial call this address, by POST:',
      'Let the supervisors’ number call this one:',
    ],
    firstRunHint: 'Then call the number. Rooms appear here by themselves.',
    starting: 'The rooms are being read. Reload in a moment.',
    notAllowed: 'You may not see rooms. Ask whoever keeps the roster for the right “see”.',
    reload: 'Reload',
  },

  keys: {
    title: 'Keys',
    list: [
      ['/', 'search'],
      ['j', 'next room'],
      ['k', 'room before'],
      ['1', 'listen'],
      ['2', 'coach'],
      ['3', 'talk to everyone'],
      ['Esc', 'listen: nobody hears you'],
      ['?', 'this list'],
    ] as readonly (readonly [string, string])[],
  },

  errors: {
    title: { 403: 'Not allowed', 404: 'Not found', 503: 'Not available' } as Readonly<Record<number, string>>,
    unreadableTitle: 'Not understood',
    internalTitle: 'Something went wrong',
    unreadable: 'This request could not be read. Go back and try again.',
    notFound: 'There is no such page.',
    noSuchRoom: 'You have no such room.',
    crossSite: 'This request came from another site, so nothing was done. Open the page anew and try again.',
    storeAway: 'The server cannot reach its store, so it cannot tell who you are. Calls go on. Reload in a moment.',
    internal: 'Something went wrong; the log of the server says what. Calls go on.',
    back: 'To the rooms',
  },
};

/** The texts of the screen in one language. */
export type Texts = typeof english;
