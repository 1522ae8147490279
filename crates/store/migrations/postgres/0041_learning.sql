-- What hubs learn from. Examples are events: appended, numbered within their hub, never changed but for how far their
-- document is. A model is made from them; "wanted" counts whatever changes what it should be, "trained" is how far it is.

create table sheets (
  id uuid primary key not null, -- of the job, or of the example, whose document it is
  org_id uuid not null,
  hub_id text not null,
  job_id uuid,
  sha256 bytea not null,
  size_bytes bigint not null,
  created_at bigint not null
);
create index sheets_of_hub on sheets (org_id, hub_id, created_at, id);
create index sheets_by_content on sheets (org_id, hub_id, sha256);
create index sheets_of_job on sheets (job_id) where job_id is not null;

create table examples (
  id uuid primary key not null,
  org_id uuid not null,
  hub_id text not null,
  sequence bigint not null,
  source text not null,
  status text not null,
  error text,
  sheet_id uuid, -- once the document is read
  file_id uuid,
  job_id uuid,
  feedback_id uuid,
  field_values text not null, -- JSON
  created_at bigint not null,
  unique (org_id, hub_id, sequence)
);
create index examples_of_job on examples (job_id) where job_id is not null;
create index examples_of_sheet on examples (sheet_id);
create index examples_pending on examples (org_id, hub_id, sequence) where status = 'PENDING';

create table learning (
  org_id uuid not null,
  hub_id text not null,
  next_sequence bigint not null,
  pending bigint not null, -- examples whose document is still to be read
  wanted bigint not null,
  trained bigint not null,
  next_version bigint not null,
  active_version bigint not null, -- 0: the prior alone
  forget_before bigint not null, -- models older than this know of something that was deleted
  failures bigint not null,
  error text,
  lease_until bigint not null, -- 0: free
  lease_node text,
  fence bigint not null,
  primary key (org_id, hub_id)
);
create index learning_due on learning (lease_until) where trained < wanted or pending > 0;
create index learning_of_node on learning (lease_node) where lease_node is not null;

create table models (
  org_id uuid not null,
  hub_id text not null,
  version bigint not null,
  hub_version bigint not null,
  last_sequence bigint not null,
  rolled_back text,
  evaluation text not null, -- JSON
  decisions text not null, -- JSON
  content bytea, -- null once it is forgotten
  created_at bigint not null,
  primary key (org_id, hub_id, version)
);
