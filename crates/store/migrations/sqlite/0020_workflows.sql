-- Workflows: one draft each, and the versions that were published of it. A version outlives its workflow, because the
-- runs that began with it go on.

create table workflows (
  org_id blob not null,
  id text not null,
  name text not null,
  source text not null, -- the draft
  published_version integer,
  created_at integer not null,
  updated_at integer not null,
  primary key (org_id, id)
) strict;
create index workflows_by_creation on workflows (org_id, created_at, id);
create index workflows_by_update on workflows (org_id, updated_at, id);

create table workflow_versions (
  org_id blob not null,
  workflow_id text not null,
  version integer not null,
  name text not null,
  source text not null,
  definition blob not null, -- canonical JSON
  hash text not null, -- of the definition
  created_at integer not null,
  primary key (org_id, workflow_id, version)
) strict;

create table workflow_secrets (
  org_id blob not null,
  name text not null,
  secret blob not null, -- sealed
  created_at integer not null,
  updated_at integer not null,
  primary key (org_id, name)
) strict;
