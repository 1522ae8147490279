//! The very first start: an empty database gets an organization, its hubs and a key.
//!
//! With `bootstrap_api_key` the operator has chosen the key. Without it one is made and shown once, so that a server
//! can be tried with no preparation at all.

use crate::{settings::Settings, terminal};
use domain::{
    context::Context,
    hub::builtin,
    key::{ApiKey, KeyRecord, Scope},
    org::Org,
};
use store::{Store, orgs::Bootstrap};

/// Name of the first organization.
pub const ORGANIZATION: &str = "default";

/// Fills an empty database. Returns the key where one was made, which nobody else knows yet.
pub async fn fill_if_empty(
    store: &Store,
    settings: &Settings,
    ctx: &Context,
) -> anyhow::Result<Option<ApiKey>> {
    if !store.orgs().is_empty().await? {
        return Ok(None);
    }
    let chosen = settings.bootstrap_api_key.clone();
    let key = chosen.clone().unwrap_or_else(|| ApiKey::from_random(ctx.random()));
    let hubs: Vec<_> =
        builtin::all().into_iter().map(|definition| definition.into_hub(ctx.hub_id())).collect();
    let org = Org {
        id: ctx.id(),
        name: ORGANIZATION.to_owned(),
        smart_classification: true,
        default_hub_id: hubs.first().map(|hub| hub.id),
    };
    let record = KeyRecord {
        id: ctx.id(),
        org_id: org.id,
        name: "first".to_owned(),
        scopes: Scope::ALL.to_vec(),
        created_at: ctx.now(),
        revoked_at: None,
    };
    let bootstrap = Bootstrap { org, key: record, key_hash: key.hash(), hubs };
    let filled = store.orgs().bootstrap(bootstrap, ctx.now()).await?;
    // Another server may have been first: then its key is the one that holds.
    Ok((filled && chosen.is_none()).then_some(key))
}

/// Shows the first key, on stderr and nowhere else.
pub fn announce(key: &ApiKey, url: &str) -> std::io::Result<()> {
    let mut stderr = terminal::stderr();
    let shown = stderr.styled(terminal::Style::Bold, key.reveal());
    stderr.line(format_args!(
        "\nThis is the first start. The organization `{ORGANIZATION}` with the hubs Invoices, Receipts and Lab \
         results is there, and one API key:\n\n    {shown}\n\n\
         It is shown this one time; only its hash is kept. `plextera keys create` makes another.\n\n    \
         curl -H 'Authorization: api-key {}' -F file=@invoice.pdf \\\n        \
         {url}/api/public/v1/document-insights/jobs/extract/upload\n",
        key.reveal()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{system, wire};

    #[tokio::test]
    async fn only_an_empty_database_is_filled_and_only_a_made_key_is_returned() {
        let directory = tempfile::tempdir().unwrap();
        let ctx = system::context();
        let settings = Settings { data_dir: directory.path().to_owned(), ..Settings::default() };
        let store = wire::open_store(&settings, &ctx).await.unwrap();
        let key = fill_if_empty(&store, &settings, &ctx).await.unwrap().unwrap();
        let found = store.keys().find_by_hash(key.hash()).await.unwrap().unwrap();
        let org = store.orgs().get(found.org_id).await.unwrap().unwrap();
        assert_eq!((org.name.as_str(), org.smart_classification), (ORGANIZATION, true));
        let hubs = store.hubs().list(org.id).await.unwrap();
        assert_eq!(hubs.len(), 3);
        let default = hubs.iter().find(|hub| Some(hub.id) == org.default_hub_id).unwrap();
        assert_eq!(default.name, "Invoices");
        assert_eq!(fill_if_empty(&store, &settings, &ctx).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_operators_key_is_taken_and_not_told() {
        let directory = tempfile::tempdir().unwrap();
        let ctx = system::context();
        let key = ApiKey::from_random([3; 32]);
        let data_dir = directory.path().to_owned();
        let settings = Settings { data_dir, bootstrap_api_key: Some(key.clone()), ..Settings::default() };
        let store = wire::open_store(&settings, &ctx).await.unwrap();
        assert_eq!(fill_if_empty(&store, &settings, &ctx).await.unwrap(), None);
        assert!(store.keys().find_by_hash(key.hash()).await.unwrap().is_some());
    }
}
