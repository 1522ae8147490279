-- By what else than its bytes a document is known again.

create table job_marks (
  job_id uuid primary key not null,
  org_id uuid not null,
  hub_id text not null,
  text_print text not null, -- JSON
  key_hash bytea,
  created_at bigint not null
);
create index job_marks_of_hub on job_marks (org_id, hub_id, created_at, job_id);
create index job_marks_by_key on job_marks (org_id, hub_id, key_hash) where key_hash is not null;
