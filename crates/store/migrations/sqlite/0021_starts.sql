-- What starts runs besides a client's request: schedules, and a secret address per workflow.

create table schedules (
  org_id blob not null,
  workflow_id text not null,
  name text not null,
  cron text not null,
  time_zone text not null,
  body text not null, -- JSON
  enabled integer not null,
  catch_up text not null,
  next_at integer, -- null: nothing is waited for
  last_at integer, -- the due time that was acted on last
  last_run_id text,
  last_error text,
  created_at integer not null,
  updated_at integer not null,
  primary key (org_id, workflow_id, name)
) strict;
create index schedules_due on schedules (next_at) where next_at is not null;

create table triggers (
  org_id blob not null,
  workflow_id text not null,
  token_hash blob not null unique,
  created_at integer not null,
  last_used_at integer,
  primary key (org_id, workflow_id)
) strict;
