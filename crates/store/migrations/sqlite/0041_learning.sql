-- What hubs learn from. Examples are events: appended, numbered within their hub, never changed but for how far their
-- document is. A model is made from them; "wanted" counts whatever changes what it should be, "trained" is how far it is.

create table sheets (
  id blob primary key not null, -- of the job, or of the example, whose document it is
  org_id blob not null,
  hub_id text not null,
  job_id blob,
  sha256 blob not null,
  size_bytes integer not null,
  created_at integer not null
) strict;
create index sheets_of_hub on sheets (org_id, hub_id, created_at, id);
create index sheets_by_content on sheets (org_id, hub_id, sha256);
create index sheets_of_job on sheets (job_id) where job_id is not null;

create table examples (
  id blob primary key not null,
  org_id blob not null,
  hub_id text not null,
  sequence integer not null,
  source text not null,
  status text not null,
  error text,
  sheet_id blob, -- once the document is read
  file_id blob,
  job_id blob,
  feedback_id blob,
  field_values text not null, -- JSON
  created_at integer not null,
  unique (org_id, hub_id, sequence)
) strict;
create index examples_of_job on examples (job_id) where job_id is not null;
create index examples_of_sheet on examples (sheet_id);
create index examples_pending on examples (org_id, hub_id, sequence) where status = 'PENDING';

create table learning (
  org_id blob not null,
  hub_id text not null,
  next_sequence integer not null,
  pending integer not null, -- examples whose document is still to be read
  wanted integer not null,
  trained integer not null,
  next_version integer not null,
  active_version integer not null, -- 0: the prior alone
  forget_before integer not null, -- models older than this know of something that was deleted
  failures integer not null,
  error text,
  lease_until integer not null, -- 0: free
  lease_node text,
  fence integer not null,
  primary key (org_id, hub_id)
) strict;
create index learning_due on learning (lease_until) where trained < wanted or pending > 0;
create index learning_of_node on learning (lease_node) where lease_node is not null;

create table models (
  org_id blob not null,
  hub_id text not null,
  version integer not null,
  hub_version integer not null,
  last_sequence integer not null,
  rolled_back text,
  evaluation text not null, -- JSON
  decisions text not null, -- JSON
  content blob, -- null once it is forgotten
  created_at integer not null,
  primary key (org_id, hub_id, version)
) strict;
