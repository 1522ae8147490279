-- What starts runs besides a client's request: schedules, and a secret address per workflow.

create table schedules (
  org_id uuid not null,
  workflow_id text not null,
  name text not null,
  cron text not null,
  time_zone text not null,
  body text not null, -- JSON
  enabled boolean not null,
  catch_up text not null,
  next_at bigint, -- null: nothing is waited for
  last_at bigint, -- the due time that was acted on last
  last_run_id text,
  last_error text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (org_id, workflow_id, name)
);
create index schedules_due on schedules (next_at) where next_at is not null;

create table triggers (
  org_id uuid not null,
  workflow_id text not null,
  token_hash bytea not null unique,
  created_at bigint not null,
  last_used_at bigint,
  primary key (org_id, workflow_id)
);
