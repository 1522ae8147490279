-- What the documents of a hub say, to know others of its kind.

alter table models add column profile text; -- JSON
