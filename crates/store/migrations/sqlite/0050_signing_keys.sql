-- Key pairs that sign deliveries for whoever checks them with a public key; see domain::signing_key.

create table signing_keys (
  public_key blob primary key not null,
  seed blob not null, -- sealed
  created_at integer not null,
  active_from integer, -- null: it waits for its turn
  replaced_at integer
) strict;
-- One that signs, one that is next: however many servers make them at once.
create unique index signing_key_active on signing_keys ((replaced_at is null)) where active_from is not null and replaced_at is null;
create unique index signing_key_next on signing_keys ((replaced_at is null)) where active_from is null and replaced_at is null;

alter table subscriptions add column asymmetric_signature integer not null default 0; -- carries their signatures too
