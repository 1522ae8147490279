-- Every version of a hub is kept, and a job names the one that reads its document.

create table hub_versions (
  org_id blob not null,
  hub_id text not null,
  version integer not null,
  definition text not null, -- JSON
  enabled integer not null,
  created_at integer not null,
  primary key (org_id, hub_id, version)
) strict;
insert into hub_versions (org_id, hub_id, version, definition, enabled, created_at)
  select org_id, id, version, definition, enabled, updated_at from hubs;

alter table jobs add column hub_version integer;
alter table jobs add column review_recommended integer not null default 0;
