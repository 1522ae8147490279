-- Workflows: one draft each, and the versions that were published of it. A version outlives its workflow, because the
-- runs that began with it go on.

create table workflows (
  org_id uuid not null,
  id text not null,
  name text not null,
  source text not null, -- the draft
  published_version bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (org_id, id)
);
create index workflows_by_creation on workflows (org_id, created_at, id);
create index workflows_by_update on workflows (org_id, updated_at, id);

create table workflow_versions (
  org_id uuid not null,
  workflow_id text not null,
  version bigint not null,
  name text not null,
  source text not null,
  definition bytea not null, -- canonical JSON
  hash text not null, -- of the definition
  created_at bigint not null,
  primary key (org_id, workflow_id, version)
);

create table workflow_secrets (
  org_id uuid not null,
  name text not null,
  secret bytea not null, -- sealed
  created_at bigint not null,
  updated_at bigint not null,
  primary key (org_id, name)
);
