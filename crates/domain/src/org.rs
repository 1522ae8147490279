//! Organizations: who owns everything else. No resource is ever looked up outside its organization.

use crate::id::{HubId, OrgId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    pub id: OrgId,
    pub name: String,
    /// Choose a hub by a document's content where nothing else names one.
    pub smart_classification: bool,
    /// Where a document goes that nothing else routes.
    pub default_hub_id: Option<HubId>,
}
