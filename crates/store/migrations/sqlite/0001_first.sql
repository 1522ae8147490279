-- The schema of the first release.
--
-- Ids are 16 bytes (hub ids: 24 hex digits as text), times are milliseconds since 1970 in UTC, texts in JSON are
-- written by this program alone. What an organization owns names it in every table, so that no query can forget it.
-- A job is open exactly while "completed_at" is null. A worker's hold on a row is "lease_until" with its "fence", a
-- number that each claim raises and that each of the worker's writes must name.

create table orgs (
  id blob primary key not null,
  name text not null,
  smart_classification integer not null,
  default_hub_id text,
  created_at integer not null
) strict;

create table keys (
  id blob primary key not null,
  org_id blob not null,
  name text not null,
  hash blob not null unique,
  scopes text not null, -- separated by blanks
  created_at integer not null,
  revoked_at integer
) strict;
create index keys_of_org on keys (org_id, created_at);

create table hubs (
  org_id blob not null,
  id text not null,
  definition text not null, -- JSON
  enabled integer not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (org_id, id)
) strict;
create index hubs_of_org on hubs (org_id, created_at, id);

create table files (
  id blob primary key not null,
  org_id blob not null,
  name text not null,
  mime_type text not null,
  size_bytes integer not null,
  sha256 blob not null,
  created_at integer not null
) strict;
create index files_of_org on files (org_id, created_at, id);
create index files_by_content on files (org_id, sha256);

create table jobs (
  id blob primary key not null,
  org_id blob not null,
  status text not null,
  created_at integer not null,
  updated_at integer not null,
  started_at integer,
  completed_at integer, -- null exactly while the job is open
  error_code text,
  error_message text,
  hub_id text, -- as asked for, then as routed
  hub_name text,
  metadata text,
  -- The document is copied here, because a job outlives its file.
  file_id blob not null,
  file_name text not null,
  mime_type text,
  size_bytes integer,
  page_count integer,
  sha256 blob,
  source_url text,
  language text,
  lease_until integer not null, -- 0: free
  lease_node text,
  fence integer not null,
  crashes integer not null -- leases that ran out
) strict;
create index jobs_open on jobs (id, lease_until) where completed_at is null;
create index jobs_of_node on jobs (lease_node) where completed_at is null;
create index jobs_by_creation on jobs (org_id, created_at, id);
create index jobs_by_update on jobs (org_id, updated_at, id);
create index jobs_by_completion on jobs (org_id, completed_at, id);
create index jobs_by_content on jobs (org_id, sha256);
create index jobs_using_file on jobs (file_id) where completed_at is null;

create table job_outputs (
  job_id blob primary key not null,
  output text not null -- JSON, byte for byte as clients get it
) strict;

create table feedback (
  id blob primary key not null,
  org_id blob not null,
  job_id blob not null,
  kind text not null,
  message text not null,
  field_id text,
  value text, -- JSON
  placement text, -- JSON
  created_at integer not null
) strict;
create index feedback_of_job on feedback (job_id, created_at, id);

create table events (
  id blob primary key not null,
  org_id blob not null,
  event_type text not null,
  resource_id blob unique, -- the job or run that ended; null for test events
  occurred_at integer not null,
  test integer not null,
  body blob -- what every attempt sends; null once the resource was erased
) strict;
create index events_of_org on events (org_id, occurred_at, id);

create table subscriptions (
  id blob primary key not null,
  org_id blob not null,
  status text not null,
  endpoint_url text not null,
  event_types text not null, -- JSON
  filters text, -- JSON
  description text,
  headers text not null, -- JSON
  disabled_reason text,
  secret blob not null, -- sealed
  previous_secret blob, -- sealed
  previous_secret_until integer,
  next_sequence integer not null,
  consecutive_failures integer not null,
  last_success_at integer,
  last_failure_at integer,
  failing_since integer,
  created_at integer not null,
  updated_at integer not null
) strict;
create index subscriptions_of_org on subscriptions (org_id, created_at, id);

create table deliveries (
  id blob primary key not null,
  org_id blob not null,
  subscription_id blob not null,
  event_id blob not null,
  event_type text not null,
  sequence integer, -- null for test events
  status text not null,
  attempt_count integer not null,
  round_attempts integer not null, -- since it was last redelivered
  next_attempt_at integer,
  lease_until integer not null, -- 0: free
  lease_node text,
  fence integer not null,
  created_at integer not null,
  updated_at integer not null,
  delivered_at integer,
  unique (subscription_id, event_id)
) strict;
create index deliveries_due on deliveries (subscription_id, next_attempt_at) where status = 'PENDING';
create index deliveries_of_node on deliveries (lease_node) where status = 'PENDING';
create index deliveries_of_event on deliveries (event_id);
create index deliveries_of_subscription on deliveries (subscription_id, created_at, id);
create unique index deliveries_by_sequence on deliveries (subscription_id, sequence);

create table attempts (
  id blob primary key not null,
  delivery_id blob not null,
  number integer not null,
  started_at integer not null,
  duration_ms integer not null,
  status_code integer,
  error text,
  blame text,
  response_body text,
  unique (delivery_id, number)
) strict;

create table idempotency (
  org_id blob not null,
  key text not null,
  request_hash blob not null,
  status integer not null,
  body blob not null,
  expires_at integer not null,
  primary key (org_id, key)
) strict;
create index idempotency_expired on idempotency (expires_at);
