//! Who calls: `Authorization: api-key <key>`.
//!
//! A handler names in its signature what a caller needs: [`Caller`] for the public API, [`Studio`] for the Studio's.
//! Whoever holds one of them has an organization, and every lookup is made inside it. The extractors also refuse a
//! caller who would not understand the answer (`Accept`), after the key was checked: an anonymous client learns
//! nothing but that it needs a key.

use crate::{Api, problem::Problem};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use domain::{
    event::{EventType, Family},
    fault::{Code, Fault},
    id::OrgId,
    key::{ApiKey, KeyRecord, Scope},
};

/// A caller of the public API that understands JSON.
#[derive(Debug, Clone)]
pub struct Caller {
    pub org_id: OrgId,
    scopes: Vec<Scope>,
}

impl Caller {
    /// What the platform tells of itself is for operators.
    pub fn may_subscribe(&self, event_types: &[EventType]) -> Result<(), Problem> {
        let platform = event_types.iter().any(|event_type| event_type.family() == Family::Platform);
        if platform && !self.scopes.contains(&Scope::Studio) {
            let message = "events of the platform itself need an API key with the scope `studio`";
            return Err(Fault::new(Code::Forbidden, message).into());
        }
        Ok(())
    }
}

/// A caller of the Studio API that understands JSON.
#[derive(Debug, Clone)]
pub struct Studio {
    pub org_id: OrgId,
}

/// A caller of the public API that takes whatever bytes it gets.
#[derive(Debug, Clone)]
pub struct Downloader {
    pub org_id: OrgId,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let key = authenticate(&parts.headers, api, Scope::Public).await?;
        require_json(&parts.headers)?;
        Ok(Self { org_id: key.org_id, scopes: key.scopes })
    }
}

impl FromRequestParts<Api> for Studio {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let key = authenticate(&parts.headers, api, Scope::Studio).await?;
        require_json(&parts.headers)?;
        Ok(Self { org_id: key.org_id })
    }
}

impl FromRequestParts<Api> for Downloader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let key = authenticate(&parts.headers, api, Scope::Public).await?;
        Ok(Self { org_id: key.org_id })
    }
}

async fn authenticate(headers: &HeaderMap, api: &Api, scope: Scope) -> Result<KeyRecord, Problem> {
    let unauthorized = |message: &str| Problem(Fault::new(Code::Unauthorized, message));
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        return Err(unauthorized("an API key is needed: `Authorization: api-key <key>`"));
    };
    let key = given.to_str().ok().and_then(key_of);
    let key = key.ok_or_else(|| unauthorized("the Authorization header must be `api-key <key>`"))?;
    // One message for what never was a key, what is none of ours and what was revoked.
    let unknown = || unauthorized("the API key is unknown or revoked");
    let key = ApiKey::parse(key).map_err(|_| unknown())?;
    let record = api.store.keys().find_by_hash(key.hash()).await?.ok_or_else(unknown)?;
    if let Some(rate) = &api.settings.request_rate {
        rate.check(record.id)?;
    }
    if !record.scopes.contains(&scope) {
        let message = format!("the API key lacks the scope `{}`", scope.as_str());
        return Err(Fault::new(Code::Forbidden, message).into());
    }
    Ok(record)
}

/// The key in a header's value; the scheme's case does not matter (RFC 9110, 11.1).
fn key_of(value: &str) -> Option<&str> {
    let (scheme, key) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("api-key").then(|| key.trim_start())
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let values = headers.get_all(header::ACCEPT).into_iter();
    let given: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    if given.is_empty() || accepts_json(&given.join(",")) {
        return Ok(());
    }
    Err(Fault::new(Code::NotAcceptable, "the answer is application/json, which the Accept header excludes")
        .into())
}

/// RFC 9110, 12.5.1: the most specific range that matches decides, and a weight of 0 excludes.
fn accepts_json(accept: &str) -> bool {
    let mut best: Option<(u8, bool)> = None;
    for range in accept.split(',').filter(|range| !range.trim().is_empty()) {
        let mut parts = range.split(';').map(str::trim);
        let rank = match parts.next().map(str::to_ascii_lowercase).as_deref() {
            Some("application/json") => 3,
            Some("application/*") => 2,
            Some("*/*" | "*") => 1,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if best.is_none_or(|(rank_so_far, _)| rank > rank_so_far) {
            best = Some((rank, wanted));
        }
    }
    // A header without any range says nothing.
    best.map_or(accept.trim_matches([',', ' ']).is_empty(), |(_, wanted)| wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_api_key_in_any_case() {
        assert_eq!(key_of("api-key sk_live_x"), Some("sk_live_x"));
        assert_eq!(key_of("API-Key  sk_live_x"), Some("sk_live_x"));
        for other in ["sk_live_x", "Bearer sk_live_x", "api-keysk_live_x", "api-key", ""] {
            assert_eq!(key_of(other), None, "{other}");
        }
    }

    #[test]
    fn json_is_accepted_unless_excluded() {
        for accept in
            ["", "*/*", "application/json", "application/*;q=0.1", "text/html, */*;q=0.5", "Application/JSON"]
        {
            assert!(accepts_json(accept), "{accept}");
        }
        for accept in ["text/html", "application/xml, text/*", "application/json;q=0, */*", "*/*;q=0"] {
            assert!(!accepts_json(accept), "{accept}");
        }
    }
}
