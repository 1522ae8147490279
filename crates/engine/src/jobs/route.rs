//! Which hub a document goes to: the one it names; else the one whose routing pairs its metadata matches; else the one
//! that fits its content, where the organization lets that be decided; else the organization's default.

use super::{Stop, rejected};
use domain::{
    hub::{Hub, route_by_metadata},
    id::HubId,
    job::{Job, Rejection},
    org::Org,
};

/// What is known before the document is opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Route {
    Known(Box<Hub>),
    /// To be chosen among these by the document's first page, else the default.
    ByContent {
        candidates: Vec<Hub>,
        default: Option<Box<Hub>>,
    },
}

impl Route {
    /// Hubs that the reader is to choose among.
    pub(super) fn candidates(&self) -> &[Hub] {
        match self {
            Self::Known(_) => &[],
            Self::ByContent { candidates, .. } => candidates,
        }
    }

    /// Two-letter codes of the languages that the hubs read between them; none where one of them reads any.
    pub(super) fn languages(&self) -> Vec<String> {
        let hubs: Vec<&Hub> = match self {
            Self::Known(hub) => vec![hub],
            Self::ByContent { candidates, default } => candidates.iter().chain(default.as_deref()).collect(),
        };
        if hubs.iter().any(|hub| hub.languages.is_empty()) {
            return Vec::new();
        }
        let mut languages: Vec<String> = hubs.iter().flat_map(|hub| hub.languages.iter().cloned()).collect();
        languages.sort_unstable();
        languages.dedup();
        languages
    }

    /// The hub, given what the reader chose. Errors with `NO_HUB` where none is left.
    pub(super) fn decide(self, chosen: Option<HubId>) -> Result<Hub, Stop> {
        match self {
            Self::Known(hub) => Ok(*hub),
            Self::ByContent { candidates, default } => {
                let chosen = candidates.into_iter().find(|hub| Some(hub.id) == chosen);
                chosen.or(default.map(|hub| *hub)).ok_or_else(|| {
                    rejected(
                        Rejection::NoHub,
                        "no hub fits the document, and the organization has no default hub",
                    )
                })
            }
        }
    }
}

/// Decides as far as that is possible without the document. `hubs` are all of the organization's.
pub(super) fn route(job: &Job, org: &Org, hubs: Vec<Hub>) -> Result<Route, Stop> {
    let enabled: Vec<Hub> = hubs.into_iter().filter(|hub| hub.enabled).collect();
    let by_id = |id: HubId| enabled.iter().find(|hub| hub.id == id).cloned().map(Box::new);
    if let Some(id) = job.hub_id {
        let gone = || rejected(Rejection::NoHub, format!("hub {id} is not enabled any more"));
        return by_id(id).map(Route::Known).ok_or_else(gone);
    }
    let by_metadata = job.metadata.as_ref().and_then(|metadata| route_by_metadata(&enabled, metadata));
    if let Some(hub) = by_metadata {
        return Ok(Route::Known(Box::new(hub.clone())));
    }
    let default = org.default_hub_id.and_then(by_id);
    match default {
        Some(hub) if !org.smart_classification => Ok(Route::Known(hub)),
        default if org.smart_classification && !enabled.is_empty() => {
            Ok(Route::ByContent { candidates: enabled, default })
        }
        _ => Err(rejected(Rejection::NoHub, "the organization has no default hub")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        event::{EventType, sample},
        id::{OrgId, UlidId},
        metadata::Metadata,
    };

    fn hub(number: u8) -> Hub {
        let [definition, ..] = domain::hub::builtin::all();
        definition.into_hub(HubId::from_bytes([number; 12]))
    }

    fn org(smart_classification: bool, default_hub_id: Option<HubId>) -> Org {
        Org { id: OrgId::from_parts(1, 1), name: "a".into(), smart_classification, default_hub_id }
    }

    fn job(hub_id: Option<HubId>, pairs: &[(&str, &str)]) -> Job {
        let metadata: Metadata = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Job { hub_id, metadata: Some(metadata), ..sample::job(EventType::JobCompleted) }
    }

    fn decided(job: &Job, org: &Org, hubs: &[Hub], chosen: Option<u8>) -> Option<HubId> {
        let route = route(job, org, hubs.to_vec()).ok()?;
        route.decide(chosen.map(|number| HubId::from_bytes([number; 12]))).ok().map(|hub| hub.id)
    }

    #[test]
    fn the_contracts_order_holds() {
        let mut routed = hub(3);
        routed.routing.metadata.insert("kind".into(), "lab".into());
        let hubs = [hub(1), hub(2), routed];
        let ids = [hubs[0].id, hubs[1].id, hubs[2].id];
        let smart = org(true, Some(ids[0]));
        let both = job(Some(ids[1]), &[("kind", "lab")]);
        assert_eq!(decided(&both, &smart, &hubs, Some(1)), Some(ids[1]), "named");
        let tagged = job(None, &[("kind", "lab")]);
        assert_eq!(decided(&tagged, &smart, &hubs, Some(1)), Some(ids[2]), "metadata");
        let plain = job(None, &[]);
        assert_eq!(decided(&plain, &smart, &hubs, Some(2)), Some(ids[1]), "content");
        assert_eq!(decided(&plain, &smart, &hubs, None), Some(ids[0]), "default");
        assert_eq!(decided(&plain, &org(false, Some(ids[0])), &hubs, Some(2)), Some(ids[0]), "not asked");
    }

    #[test]
    fn a_document_is_read_in_the_languages_of_the_hubs_that_may_take_it() {
        let reading = |number, languages: &[&str]| {
            let languages = languages.iter().map(|code| (*code).to_owned()).collect();
            Hub { languages, ..hub(number) }
        };
        let hubs = [reading(1, &["de", "en"]), reading(2, &["de", "fr"]), reading(3, &[])];
        let languages = |job: &Job, org: &Org, hubs: &[Hub]| {
            route(job, org, hubs.to_vec()).expect("there is a hub").languages()
        };
        let plain = job(None, &[]);
        assert_eq!(languages(&plain, &org(true, None), &hubs[..2]), ["de", "en", "fr"]);
        assert!(languages(&plain, &org(true, None), &hubs).is_empty());
        assert!(languages(&plain, &org(false, Some(hubs[2].id)), &hubs).is_empty());
        assert_eq!(languages(&job(Some(hubs[1].id), &[]), &org(true, None), &hubs), ["de", "fr"]);
    }

    #[test]
    fn without_a_hub_there_is_no_way() {
        let hubs = [Hub { enabled: false, ..hub(1) }, hub(2)];
        assert_eq!(decided(&job(Some(hubs[0].id), &[]), &org(true, None), &hubs, Some(2)), None, "disabled");
        assert_eq!(decided(&job(None, &[]), &org(true, None), &hubs, None), None);
        assert_eq!(decided(&job(None, &[]), &org(false, None), &hubs, Some(2)), None);
        assert_eq!(decided(&job(None, &[]), &org(false, Some(hubs[0].id)), &hubs, None), None);
        assert_eq!(decided(&job(None, &[]), &org(true, None), &[], None), None);
    }
}
