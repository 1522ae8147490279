-- An attempt's row stands with its delivery's others and nowhere else. The first attempt at a delivery has the delivery's
-- own id, so only the ids of later ones have to be found by an index: what goes well costs no index at all. SQLite cannot
-- change a primary key in place: the table is made anew.

create table new_attempts (
  id blob not null,
  delivery_id blob not null,
  number integer not null,
  started_at integer not null,
  duration_ms integer not null,
  status_code integer,
  error text,
  blame text,
  response_body text,
  primary key (delivery_id, number)
) strict, without rowid;
insert into new_attempts select id, delivery_id, number, started_at, duration_ms, status_code, error, blame, response_body
  from attempts order by delivery_id, number;
drop table attempts;
alter table new_attempts rename to attempts;
create index attempts_by_id on attempts (id) where id <> delivery_id;
