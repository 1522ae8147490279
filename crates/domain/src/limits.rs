//! Every limit of the product in one place, the unit last.
//!
//! Nothing that comes from outside is unbounded: each body, list, text, queue and wait refers to a constant here (or to
//! a setting whose default stands here).

use std::time::Duration;

// Requests
/// A file, streamed or fetched.
pub const UPLOAD_BYTES_MAX: u64 = 50_000_000;
/// A JSON body.
pub const JSON_BODY_BYTES_MAX: usize = 1_000_000;
pub const FILE_NAME_CHARACTERS_MAX: usize = 255;
pub const REQUEST_ID_CHARACTERS_MAX: usize = 128;
pub const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 255;
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 3600);
pub const PAGE_SIZE_DEFAULT: u32 = 50;
pub const PAGE_SIZE_MAX: u32 = 100;
/// Pages past this are refused: an offset is a scan.
pub const PAGE_NUMBER_MAX: u32 = 1_000_000;
/// Matches of a list that are counted where there may be millions.
pub const LIST_COUNTED_MAX: u64 = 10_000;

// Jobs
pub const METADATA_ENTRIES_MAX: usize = 50;
pub const METADATA_KEY_CHARACTERS_MAX: usize = 64;
pub const METADATA_VALUE_CHARACTERS_MAX: usize = 512;
pub const FEEDBACK_MESSAGE_CHARACTERS_MAX: usize = 1024;
pub const FIELD_ID_CHARACTERS_MAX: usize = 256;
pub const DOCUMENT_URL_CHARACTERS_MAX: usize = 2048;
pub const DOCUMENT_FETCH_TIMEOUT: Duration = Duration::from_secs(30);
pub const DOCUMENT_FETCH_REDIRECTS_MAX: usize = 3;
/// A job whose nodes died this often while they had it in hand is FAILED. A document is read in a child process, so a
/// node's death is rarely a document's doing: high enough for a machine that restarts in a loop, and still an end.
pub const JOB_ATTEMPTS_MAX: u32 = 10;
/// How long the work of a node that died lies idle; renewed three times in this time.
pub const JOB_LEASE: Duration = Duration::from_secs(30);
/// What an operator may set instead, for jobs and deliveries alike.
pub const LEASE_MIN: Duration = Duration::from_secs(1);
pub const LEASE_MAX: Duration = Duration::from_secs(600);
pub const JOB_CLAIM_BATCH_MAX: u32 = 100;
/// Jobs of a node beyond those that its children read: being fetched or routed. As many wait to be settled.
pub const JOBS_IN_HAND_MAX: usize = 64;
pub const JOB_SETTLE_BATCH_MAX: usize = 100;

// Documents (defaults of settings)
pub const DOCUMENT_PAGES_MAX: u32 = 500;
/// Pixels of one page or image, checked before any allocation.
pub const PAGE_PIXELS_MAX: u64 = 40_000_000;
/// Text of a format without pages; what stands behind it is not looked at.
pub const FLOW_TEXT_BYTES_MAX: usize = 8_000_000;
/// Entries that an archive or an office document lists.
pub const ARCHIVE_ENTRIES_MAX: usize = 20_000;
/// Documents in an archive or attached to an e-mail, those of archives within it included.
pub const ARCHIVE_DOCUMENTS_MAX: usize = 200;
/// One part, unpacked.
pub const ARCHIVE_PART_BYTES_MAX: u64 = 64_000_000;
/// All parts of one document, unpacked.
pub const ARCHIVE_TOTAL_BYTES_MAX: u64 = 256_000_000;
/// A part that unpacks to more than this ...
pub const ARCHIVE_RATIO_BYTES_MIN: u64 = 4_000_000;
/// ... and to more than this times its packed size is a bomb.
pub const ARCHIVE_RATIO_MAX: u64 = 400;
/// Archives within archives and e-mails attached to e-mails.
pub const ARCHIVE_DEPTH_MAX: usize = 3;
/// Elements of markup within each other; what is nested deeper is read as if it stood at this depth.
pub const MARKUP_DEPTH_MAX: usize = 256;
/// Tables within tables.
pub const TABLE_DEPTH_MAX: usize = 5;
/// Columns of a table; the rest is not looked at.
pub const TABLE_COLUMNS_MAX: usize = 400;
pub const WORKER_TEXT_BASE: Duration = Duration::from_secs(5);
pub const WORKER_TEXT_PER_PAGE: Duration = Duration::from_millis(500);
/// To open one part of an archive.
pub const WORKER_OPEN_PER_PART: Duration = Duration::from_secs(2);
pub const WORKER_OCR_PER_PAGE: Duration = Duration::from_secs(20);
/// Address space of a child that reads documents.
pub const WORKER_MEMORY_BYTES_MAX: u64 = 2_000_000_000;
/// An answer of a child.
pub const WORKER_ANSWER_BYTES_MAX: usize = 64_000_000;
pub const WORKER_DOCUMENTS_MAX: u32 = 50;
pub const WORKER_OPEN_FILES_MAX: u64 = 64;
/// Of a child over its life; one request may take half of it, however many pages it announces.
pub const WORKER_CPU_TIME_MAX: Duration = Duration::from_secs(3600);
/// Children that one document may break before it is given up.
pub const WORKER_BREACHES_MAX: u32 = 6;

// The second reader
pub const SECOND_READER_TIMEOUT: Duration = Duration::from_secs(60);
pub const SECOND_READER_ANSWER_BYTES_MAX: usize = 256 * 1024;
pub const SECOND_READER_VALUE_CHARACTERS_MAX: usize = 1000;
/// Of a document's text that is sent to it.
pub const SECOND_READER_TEXT_CHARACTERS_MAX: usize = 40_000;

// Hubs
pub const HUB_FIELDS_MAX: usize = 200;
pub const HUB_NAME_CHARACTERS_MAX: usize = 128;
pub const HUBS_PER_ORG_MAX: u64 = 200;
pub const HUB_FIELD_ID_CHARACTERS_MAX: usize = 64;
pub const HUB_ALIASES_MAX: usize = 200;
/// Of an alias, of an enum's value.
pub const HUB_LABEL_CHARACTERS_MAX: usize = 128;
pub const HUB_DESCRIPTION_CHARACTERS_MAX: usize = 1024;
pub const HUB_PATTERN_CHARACTERS_MAX: usize = 512;
/// Of a pattern once it is compiled.
pub const HUB_PATTERN_BYTES_MAX: usize = 1 << 20;
pub const HUB_VALUES_MAX: usize = 500;
pub const HUB_COLUMNS_MAX: usize = 50;
pub const HUB_LANGUAGES_MAX: usize = 50;
pub const HUB_KEY_FIELDS_MAX: usize = 10;
pub const HUB_RULES_MAX: usize = 100;
/// Earlier versions of a hub that are kept.
pub const HUB_VERSIONS_KEPT: u32 = 200;

// Learning
/// Examples in one request.
pub const EXAMPLES_PER_REQUEST_MAX: usize = 500;
/// Of a hub. The latest 2000 documents are learned from.
pub const EXAMPLES_PER_HUB_MAX: u64 = 20_000;
/// Sheets of jobs that are kept of a hub, beside those that examples need.
pub const SHEETS_PER_HUB_MAX: u32 = 2000;
pub const SHEET_BYTES_MAX: u64 = 4_000_000;
pub const MODEL_BYTES_MAX: u64 = 8_000_000;
/// Models of a hub that are kept with what they learned.
pub const MODELS_KEPT: u32 = 10;
/// What a model is made from: the latest documents.
pub const LEARN_DOCUMENTS_MAX: usize = 2000;
/// Of one training.
pub const LEARN_TIME_MAX: Duration = Duration::from_secs(300);
/// Hubs that a node teaches at a time.
pub const LEARN_HUBS_MAX: usize = 4;
/// How long documents of examples are read before the hub learns from those that are through.
pub const LEARN_READ_TIME: Duration = Duration::from_secs(2);
pub const LEARN_FAILURES_MAX: u32 = 5;
/// The pause after a failed training, doubled with each failure in a row.
pub const LEARN_PAUSE: Duration = Duration::from_secs(10);
/// Sheets and models that a node keeps on its own disk.
pub const LEARN_FILES_BYTES_MAX: u64 = 2_000_000_000;

// Subscriptions and deliveries
pub const ENDPOINT_URL_CHARACTERS_MAX: usize = 2048;
pub const SIGNING_SECRET_CHARACTERS_MAX: usize = 512;
pub const SIGNING_SECRET_OVERLAP_SECONDS_MAX: u64 = 7 * 24 * 3600;
pub const DESCRIPTION_CHARACTERS_MAX: usize = 512;
pub const SUBSCRIPTION_HEADERS_MAX: usize = 16;
pub const HEADER_NAME_CHARACTERS_MAX: usize = 128;
pub const HEADER_VALUE_CHARACTERS_MAX: usize = 1024;
/// The fastest pace that a subscription can ask for; without one there is none.
pub const SUBSCRIPTION_PER_SECOND_MAX: u32 = 1000;
pub const SUBSCRIPTIONS_PER_ORG_MAX: u64 = 1000;
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest that an operator may set.
pub const DELIVERY_TIMEOUT_MAX: Duration = Duration::from_secs(60);
pub const DELIVERY_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any attempt, so that two attempts at one delivery never overlap.
pub const DELIVERY_LEASE: Duration = Duration::from_secs(30);
pub const DELIVERY_ANSWER_READ_BYTES_MAX: usize = 64 * 1024;
pub const DELIVERY_ANSWER_KEPT_BYTES_MAX: usize = 1024;
pub const DELIVERY_RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
pub const DELIVERY_LANE_CONCURRENCY_MAX: usize = 8;
pub const DELIVERY_LANE_QUEUE_MAX: usize = 1000;
/// Attempts of a node at a time, over all lanes.
pub const DELIVERY_ATTEMPTS_AT_ONCE_MAX: usize = 512;
/// Connections to one host that are kept for what comes next: as many subscriptions may point there as there are attempts,
/// and each of those would dial anew.
pub const DELIVERY_CONNECTIONS_IDLE_MAX: usize = DELIVERY_ATTEMPTS_AT_ONCE_MAX;
/// Bodies that wait in a node's memory; what does not fit waits in the table.
pub const DELIVERY_QUEUE_BYTES_MAX: usize = 64_000_000;
/// Rows of one subscription in a claim.
pub const DELIVERY_CLAIM_PER_SUBSCRIPTION_MAX: u32 = 50;
pub const DELIVERY_RECORD_BATCH_MAX: usize = 500;
pub const DELIVERY_CLAIM_BATCH_MAX: u32 = 100;
/// Deliveries that have ended, and events, are kept this long (default of a setting),
pub const DELIVERY_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// and so many of them in each subscription (default of a setting).
pub const DELIVERY_KEPT_COUNT: u64 = 1_000_000;
/// How long a key pair signs deliveries (default of a setting).
pub const SIGNING_KEY_PERIOD: Duration = Duration::from_secs(90 * 24 * 3600);
/// Waiting deliveries that are worth a warning (default of a setting).
pub const DELIVERY_BACKLOG_WARNING: u64 = 100_000;
/// Waiting deliveries are counted to here.
pub const DELIVERY_BACKLOG_COUNTED_MAX: u64 = 1_000_000;
pub const DELIVERY_RETRIES_MAX: usize = 50;
/// Nothing but failures for this long pauses a subscription.
pub const SUBSCRIPTION_FAILING_MAX: Duration = Duration::from_secs(5 * 24 * 3600);
/// Deliveries that replays of one subscription put in line in a second (default of a setting).
pub const REPLAY_PER_SECOND: u32 = 100;
/// Deliveries that one step of a replay looks at.
pub const REPLAY_EXAMINED_PER_STEP_MAX: u32 = 1000;
/// Deliveries of a replay that wait at a time; it puts no more in line until some have gone out.
pub const REPLAY_WAITING_MAX: u32 = 1000;
/// Replays of one subscription that have not ended.
pub const REPLAYS_RUNNING_MAX: u64 = 10;
pub const FEED_ITEMS_MAX: u32 = 100;
pub const FEED_WAIT: Duration = Duration::from_secs(20);
pub const LISTENERS_PER_ORG_MAX: u64 = 10;
/// How long a listener lives on when nobody reads from it: a laptop's lid, a change of network.
pub const LISTENER_KEPT: Duration = Duration::from_secs(2 * 60);
/// Bodies in one answer to a listener; one is always given, however large it is.
pub const LISTENER_ANSWER_BYTES_MAX: usize = 8_000_000;

// Workflows
pub const WORKFLOW_ID_CHARACTERS_MAX: usize = 64;
pub const WORKFLOWS_PER_ORG_MAX: u64 = 2000;
pub const SCHEDULES_PER_WORKFLOW_MAX: u64 = 50;
pub const CRON_CHARACTERS_MAX: usize = 256;
/// A due time of a schedule that is older counts as missed.
pub const SCHEDULE_LATE_MAX: Duration = Duration::from_secs(10 * 60);
/// Schedules that one look at the clock acts on.
pub const SCHEDULES_DUE_MAX: u32 = 100;
pub const WORKFLOW_SECRETS_PER_ORG_MAX: u64 = 500;
pub const WORKFLOW_SECRET_NAME_CHARACTERS_MAX: usize = 64;
pub const WORKFLOW_SECRET_BYTES_MAX: usize = 16 * 1024;
/// Of a definition's text.
pub const WORKFLOW_BYTES_MAX: usize = 256 * 1024;
/// Nodes of its YAML, aliases followed.
pub const WORKFLOW_NODES_MAX: usize = 20_000;
/// Bytes of its texts, aliases followed.
pub const WORKFLOW_TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Patterns in `input`, references followed, and the size of each when it is compiled.
pub const WORKFLOW_PATTERNS_MAX: usize = 100;
pub const WORKFLOW_PATTERN_BYTES_MAX: usize = 512 * 1024;
/// Lists and maps within each other, in its YAML and in an expression.
pub const WORKFLOW_DEPTH_MAX: usize = 20;
pub const WORKFLOW_STEPS_MAX: usize = 500;
/// Of all expressions of a definition.
pub const WORKFLOW_EXPRESSION_BYTES_MAX: usize = 64 * 1024;
pub const WORKFLOW_DIAGNOSTICS_MAX: usize = 100;
pub const DIAGNOSTIC_CHARACTERS_MAX: usize = 400;
pub const WORKFLOW_SECRETS_MAX: usize = 50;
/// A wait, a timeout, a pause between attempts.
pub const WORKFLOW_DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// `finally` steps together.
pub const WORKFLOW_FINALLY_MAX: Duration = Duration::from_secs(3600);
pub const WORKFLOW_ATTEMPTS_MAX: u32 = 50;
pub const WORKFLOW_CONCURRENCY_MAX: u32 = 1000;
/// Items of a `for_each`.
pub const WORKFLOW_ITEMS_MAX: usize = 100_000;
/// Items under way at a time.
pub const WORKFLOW_PARALLEL_MAX: u32 = 1000;
pub const WORKFLOW_PARALLEL_DEFAULT: u32 = 8;
/// Steps of a run that can be under way at a time, loops within loops multiplied: what the state of a run can grow to.
pub const WORKFLOW_UNDER_WAY_MAX: u64 = 10_000;
/// Ends of steps that a run's state remembers for the sake of items that failed; items beyond are retried from their start.
pub const WORKFLOW_ENDS_KEPT_MAX: usize = 2000;
/// Of a signal's name, and of the key of a concurrency group.
pub const WORKFLOW_NAME_CHARACTERS_MAX: usize = 256;
/// Signals that came before a step waited for them.
pub const WORKFLOW_SIGNALS_KEPT_MAX: usize = 100;
/// Timers that one look at the clock acts on.
pub const WORKFLOW_DUE_PER_TICK_MAX: usize = 10_000;
/// A value that stands in a run's journal itself; larger ones stand beside it.
pub const RUN_VALUE_INLINE_BYTES_MAX: usize = 4096;
/// The outputs of a loop's items where they are read together: as many as a file may have that shows them.
pub const RUN_ITEMS_READ_BYTES_MAX: usize = 50_000_000;
/// An output as answers and events show it; a larger one is a stored file there.
pub const RUN_OUTPUT_SHOWN_BYTES_MAX: usize = 256 * 1024;
/// All outputs in a run's event together; where there is more, the largest are stored files there.
pub const RUN_EVENT_OUTPUTS_BYTES_MAX: usize = 1024 * 1024;
/// Nested runs in one answer or event, all levels together.
pub const RUN_NESTED_SHOWN_MAX: u32 = 1000;
/// Runs within runs.
pub const RUN_DEPTH_MAX: u32 = 10;
/// Runs that a node has in hand.
pub const RUNS_HELD_MAX: usize = 20_000;
pub const RUN_CLAIM_BATCH_MAX: u32 = 500;
pub const RUN_COMMIT_BATCH_MAX: usize = 256;
/// Mail that one decision is about.
pub const RUN_MAIL_BATCH_MAX: u32 = 500;
/// How long a node keeps a run that only waits.
pub const RUN_IDLE: Duration = Duration::from_secs(30);
/// Nodes that may die over a run at one place before it is given up. More than a few, because a run is not to blame for
/// every death that it meets: nodes are also killed, stand still or lose their database under it.
pub const RUN_CRASHES_MAX: u32 = 5;
/// Evaluations in a row without anything from outside.
pub const RUN_EVALUATIONS_MAX: usize = 1_000_000;
/// Values of one run that a node keeps in memory.
pub const RUN_CACHE_BYTES_MAX: usize = 256 * 1024;
/// Calls of a node under way at a time, and file operations.
pub const RUN_EFFECTS_AT_ONCE_MAX: usize = 256;
/// A call, where its step has no timeout.
pub const WEB_FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);
pub const WEB_FUNCTION_ANSWER_BYTES_MAX: usize = 2_000_000;
pub const WEB_FUNCTION_BODY_BYTES_MAX: usize = 4_000_000;
pub const WEB_FUNCTION_HEADERS_MAX: usize = 50;
/// A file that a step reads into a value.
pub const RUN_FILE_READ_BYTES_MAX: u64 = 2_000_000;
pub const RUN_ZIP_FILES_MAX: usize = 1000;
pub const SIGNAL_NAME_CHARACTERS_MAX: usize = 128;
pub const APPROVER_CHARACTERS_MAX: usize = 256;
pub const TASK_NAME_CHARACTERS_MAX: usize = 128;
pub const TASK_CODE_CHARACTERS_MAX: usize = 64;
pub const TASK_LEASE_SECONDS_MAX: u64 = 24 * 3600;
pub const TASK_LEASE_SECONDS_DEFAULT: u64 = 60;
pub const TASK_CLAIM_MAX: u64 = 100;
/// File parts of a request that starts a run.
pub const RUN_UPLOADS_MAX: usize = 100;
pub const FAILURE_MESSAGE_CHARACTERS_MAX: usize = 1024;
/// Of one expression's result, and of what a template yields.
pub const EXPRESSION_RESULT_BYTES_MAX: usize = 4_000_000;
/// Arrays and objects within each other in what an expression yields. Below the 128 that readers of JSON allow, because the
/// value is stored and sent inside others.
pub const EXPRESSION_DEPTH_MAX: usize = 100;
/// What one template may look up in the server's own process; past this a child does it.
pub const EXPRESSION_WALKED_BYTES_MAX: usize = 1_000_000;
/// A template with the values that its names stand for, as a child gets them.
pub const EXPRESSION_REQUEST_BYTES_MAX: usize = 16_000_000;
/// Of a template's evaluation, in the child that does it.
pub const EXPRESSION_TIME_MAX: Duration = Duration::from_secs(2);
/// Children of a node that evaluate expressions.
pub const EXPRESSION_PROCESSES: usize = 2;
/// Address space of such a child.
pub const EXPRESSION_MEMORY_BYTES_MAX: u64 = 300_000_000;
/// A child that holds more than this after an answer is replaced.
pub const EXPRESSION_MEMORY_KEPT_BYTES_MAX: u64 = 100_000_000;
/// A child is replaced after this many evaluations.
pub const EXPRESSION_EVALUATIONS_MAX: u32 = 10_000;
/// Processor time of a child over its life.
pub const EXPRESSION_CPU_TIME_MAX: Duration = Duration::from_secs(600);

// Extraction
/// Words of one document that are looked at, in page order.
pub const EXTRACT_WORDS_MAX: usize = 60_000;
/// Places that may hold one field's value, before they are weighed.
pub const EXTRACT_CANDIDATES_MAX: usize = 4000;
/// Rows of one table.
pub const EXTRACT_ROWS_MAX: usize = 2000;
