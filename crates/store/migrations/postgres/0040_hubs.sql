-- Every version of a hub is kept, and a job names the one that reads its document.

create table hub_versions (
  org_id uuid not null,
  hub_id text not null,
  version bigint not null,
  definition text not null, -- JSON
  enabled boolean not null,
  created_at bigint not null,
  primary key (org_id, hub_id, version)
);
insert into hub_versions (org_id, hub_id, version, definition, enabled, created_at)
  select org_id, id, version, definition, enabled, updated_at from hubs;

alter table jobs add column hub_version bigint;
alter table jobs add column review_recommended boolean not null default false;
