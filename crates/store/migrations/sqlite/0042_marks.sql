-- By what else than its bytes a document is known again.

create table job_marks (
  job_id blob primary key not null,
  org_id blob not null,
  hub_id text not null,
  text_print text not null, -- JSON
  key_hash blob,
  created_at integer not null
) strict;
create index job_marks_of_hub on job_marks (org_id, hub_id, created_at, job_id);
create index job_marks_by_key on job_marks (org_id, hub_id, key_hash) where key_hash is not null;
