-- The schema of the first release.
--
-- Ids are 16 bytes (hub ids: 24 hex digits as text), times are milliseconds since 1970 in UTC, texts in JSON are
-- written by this program alone. What an organization owns names it in every table, so that no query can forget it.
-- A job is open exactly while "completed_at" is null. A worker's hold on a row is "lease_until" with its "fence", a
-- number that each claim raises and that each of the worker's writes must name.

create table orgs (
  id uuid primary key not null,
  name text not null,
  smart_classification boolean not null,
  default_hub_id text,
  created_at bigint not null
);

create table keys (
  id uuid primary key not null,
  org_id uuid not null,
  name text not null,
  hash bytea not null unique,
  scopes text not null, -- separated by blanks
  created_at bigint not null,
  revoked_at bigint
);
create index keys_of_org on keys (org_id, created_at);

create table hubs (
  org_id uuid not null,
  id text not null,
  definition text not null, -- JSON
  enabled boolean not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (org_id, id)
);
create index hubs_of_org on hubs (org_id, created_at, id);

create table files (
  id uuid primary key not null,
  org_id uuid not null,
  name text not null,
  mime_type text not null,
  size_bytes bigint not null,
  sha256 bytea not null,
  created_at bigint not null
);
create index files_of_org on files (org_id, created_at, id);
create index files_by_content on files (org_id, sha256);

create table jobs (
  id uuid primary key not null,
  org_id uuid not null,
  status text not null,
  created_at bigint not null,
  updated_at bigint not null,
  started_at bigint,
  completed_at bigint, -- null exactly while the job is open
  error_code text,
  error_message text,
  hub_id text, -- as asked for, then as routed
  hub_name text,
  metadata jsonb,
  -- The document is copied here, because a job outlives its file.
  file_id uuid not null,
  file_name text not null,
  mime_type text,
  size_bytes bigint,
  page_count bigint,
  sha256 bytea,
  source_url text,
  language text,
  lease_until bigint not null, -- 0: free
  lease_node text,
  fence bigint not null,
  crashes bigint not null -- leases that ran out
);
create index jobs_open on jobs (id, lease_until) where completed_at is null;
create index jobs_of_node on jobs (lease_node) where completed_at is null;
create index jobs_by_creation on jobs (org_id, created_at, id);
create index jobs_by_update on jobs (org_id, updated_at, id);
create index jobs_by_completion on jobs (org_id, completed_at nulls first, id);
create index jobs_by_content on jobs (org_id, sha256);
create index jobs_using_file on jobs (file_id) where completed_at is null;

create table job_outputs (
  job_id uuid primary key not null,
  output text not null -- JSON, byte for byte as clients get it
);

create table feedback (
  id uuid primary key not null,
  org_id uuid not null,
  job_id uuid not null,
  kind text not null,
  message text not null,
  field_id text,
  value text, -- JSON
  placement text, -- JSON
  created_at bigint not null
);
create index feedback_of_job on feedback (job_id, created_at, id);

create table events (
  id uuid primary key not null,
  org_id uuid not null,
  event_type text not null,
  resource_id uuid unique, -- the job or run that ended; null for test events
  occurred_at bigint not null,
  test boolean not null,
  body bytea -- what every attempt sends; null once the resource was erased
);
create index events_of_org on events (org_id, occurred_at, id);

create table subscriptions (
  id uuid primary key not null,
  org_id uuid not null,
  status text not null,
  endpoint_url text not null,
  event_types text not null, -- JSON
  filters text, -- JSON
  description text,
  headers text not null, -- JSON
  disabled_reason text,
  secret bytea not null, -- sealed
  previous_secret bytea, -- sealed
  previous_secret_until bigint,
  next_sequence bigint not null,
  consecutive_failures bigint not null,
  last_success_at bigint,
  last_failure_at bigint,
  failing_since bigint,
  created_at bigint not null,
  updated_at bigint not null
);
create index subscriptions_of_org on subscriptions (org_id, created_at, id);

create table deliveries (
  id uuid primary key not null,
  org_id uuid not null,
  subscription_id uuid not null,
  event_id uuid not null,
  event_type text not null,
  sequence bigint, -- null for test events
  status text not null,
  attempt_count bigint not null,
  round_attempts bigint not null, -- since it was last redelivered
  next_attempt_at bigint,
  lease_until bigint not null, -- 0: free
  lease_node text,
  fence bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  delivered_at bigint,
  unique (subscription_id, event_id)
);
create index deliveries_due on deliveries (subscription_id, next_attempt_at) where status = 'PENDING';
create index deliveries_of_node on deliveries (lease_node) where status = 'PENDING';
create index deliveries_of_event on deliveries (event_id);
create index deliveries_of_subscription on deliveries (subscription_id, created_at, id);
create unique index deliveries_by_sequence on deliveries (subscription_id, sequence);

create table attempts (
  id uuid primary key not null,
  delivery_id uuid not null,
  number bigint not null,
  started_at bigint not null,
  duration_ms bigint not null,
  status_code bigint,
  error text,
  blame text,
  response_body text,
  unique (delivery_id, number)
);

create table idempotency (
  org_id uuid not null,
  key text not null,
  request_hash bytea not null,
  status bigint not null,
  body bytea not null,
  expires_at bigint not null,
  primary key (org_id, key)
);
create index idempotency_expired on idempotency (expires_at);
