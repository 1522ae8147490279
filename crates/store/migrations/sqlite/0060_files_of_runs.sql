-- Which files a run names, so that none is deleted while the run is open.

create table run_files (
  file_id blob not null,
  run_id blob not null,
  primary key (file_id, run_id)
) strict, without rowid;

-- Mail is read in the order in which it came, which the time in its id does not tell within a millisecond.
drop index run_mail_of_run;
create index run_mail_of_run on run_mail (run_id);
