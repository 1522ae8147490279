-- Workflow runs. A run is pinned to the definition it began with, kept here by its hash, so that it outlives its
-- workflow. A node that runs them has one row in "run_nodes", renewed as long as it lives; "lease_node" says whose a run
-- is, and "fence" is raised whenever it changes hands, so that a node that lost it changes nothing.

create table run_definitions (
  hash text primary key not null,
  definition text not null -- JSON
) strict;

create table run_nodes (
  node text primary key not null,
  lease_until integer not null
) strict;

create table runs (
  id blob primary key not null,
  org_id blob not null,
  workflow_id text not null,
  workflow_name text not null,
  definition_hash text not null,
  status text not null,
  created_at integer not null,
  updated_at integer not null,
  started_at integer,
  completed_at integer, -- null exactly while the run is open
  error_code text,
  error_message text,
  steps_completed integer not null,
  steps_total integer not null,
  computed_ms integer not null,
  retry_of blob,
  parent_id blob,
  parent_key text, -- of the step that began it, the item included
  parent_path text, -- the same without the item
  parent_attempt integer,
  depth integer not null,
  state text not null, -- JSON, small and without data
  group_key text, -- of its concurrency group, once it asked for its turn
  group_limit integer,
  group_held integer not null,
  wake_at integer not null, -- when it wants to be looked at, while no node has it
  hot integer not null, -- 1 while its node does something for it that another would have to do again
  lease_node text,
  fence integer not null,
  crashes integer not null -- nodes lost while it was hot, since it last got on
) strict;
create index runs_waiting on runs (wake_at) where completed_at is null and lease_node is null;
create index runs_of_node on runs (lease_node) where completed_at is null;
create index runs_by_creation on runs (org_id, created_at, id);
create index runs_by_update on runs (org_id, updated_at, id);
create index runs_by_completion on runs (org_id, completed_at, id);
create index runs_nested on runs (parent_id, parent_path, created_at, id) where parent_id is not null;
create index runs_grouped on runs (group_key) where completed_at is null and group_key is not null;

-- The journal: how steps ended, and the data that later steps read.
create table run_rows (
  run_id blob not null,
  name text not null,
  status text not null,
  output text, -- JSON: the value where it is small, else where it is
  file_id blob, -- a large value as a stored file, for those who look
  failure text, -- JSON
  attempts integer not null,
  started_at integer not null,
  ended_at integer not null,
  primary key (run_id, name)
) strict, without rowid;

-- Values too large for the journal; arrays of items in chunks.
create table run_values (
  run_id blob not null,
  name text not null,
  chunk integer not null,
  value text not null, -- JSON
  primary key (run_id, name, chunk)
) strict;

-- What happened to a run and its node has not looked at yet.
create table run_mail (
  id blob primary key not null,
  run_id blob not null,
  mail text not null -- JSON
) strict;
create index run_mail_of_run on run_mail (run_id, id);

create table run_jobs (
  job_id blob primary key not null,
  run_id blob not null,
  key text not null,
  attempt integer not null
) strict;
create index run_jobs_of_run on run_jobs (run_id, key);

create table approvals (
  id blob primary key not null,
  org_id blob not null,
  run_id blob not null,
  workflow_id text not null,
  key text not null,
  attempt integer not null,
  title text not null,
  description text,
  data text, -- JSON
  status text not null,
  created_at integer not null,
  decided_at integer,
  decided_by text,
  decision text -- JSON
) strict;
create index approvals_of_org on approvals (org_id, created_at, id);
create index approvals_of_run on approvals (run_id, key);

create table tasks (
  id blob primary key not null,
  org_id blob not null,
  run_id blob not null,
  workflow_id text not null,
  key text not null,
  attempt integer not null,
  task text not null,
  input text, -- JSON
  status text not null,
  lease_until integer not null, -- 0: free
  fence integer not null,
  created_at integer not null,
  updated_at integer not null
) strict;
create index tasks_open on tasks (org_id, task, created_at, id) where status = 'OPEN';
create index tasks_of_run on tasks (run_id, key);
