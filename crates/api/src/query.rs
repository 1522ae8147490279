//! Query strings: pages, sorting, filters.
//!
//! A list that ignored a misspelt filter would answer with everything, so an unknown parameter, one given twice and a
//! bad value are all 400 and say which.

use crate::problem::{Problem, Result};
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{
    fault::Fault,
    limits,
    page::{Direction, PageRequest, SortBy},
    time::Timestamp,
};
use std::{collections::BTreeMap, fmt::Display, str::FromStr};

/// The parameters that are still to be read.
#[derive(Debug)]
pub struct Query {
    pairs: BTreeMap<String, String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Query {
    fn parse(text: &str) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if name.contains('\0') || value.contains('\0') {
                return Err(invalid("the query must not contain NUL"));
            }
            if pairs.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(invalid(format!("the query names `{name}` twice")));
            }
        }
        Ok(Self { pairs })
    }

    /// A parameter as it stands.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.pairs.remove(name)
    }

    /// A value of a form of its own: an id, a number.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|error: T::Err| invalid(format!("the query parameter `{name}` is {error}")))
    }

    /// A point in time. A `+` that a client forgot to encode arrives as a space and is taken for what it was.
    pub fn timestamp(&mut self, name: &str) -> Result<Option<Timestamp>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let parsed = text.replace(' ', "+").parse();
        parsed.map(Some).map_err(|error| invalid(format!("the query parameter `{name}` {error}")))
    }

    /// One of a closed list.
    pub fn one_of<T>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Option<T>,
        list: &[&str],
    ) -> Result<Option<T>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let unknown = || invalid(format!("the query parameter `{name}` must be one of {}", list.join(", ")));
        parse(&text).map(Some).ok_or_else(unknown)
    }

    /// A whole number within bounds.
    pub fn number(&mut self, name: &str, min: u64, max: u64) -> Result<Option<u64>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(number) if digits && (min..=max).contains(&number) => Ok(Some(number)),
            _ => Err(invalid(format!(
                "the query parameter `{name}` must be a whole number from {min} to {max}"
            ))),
        }
    }

    /// All parameters whose name begins with `prefix`, without it.
    pub fn prefixed(&mut self, prefix: &str) -> BTreeMap<String, String> {
        let names: Vec<String> = self.pairs.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let stripped = |name: String| {
            let value = self.pairs.remove(&name)?;
            Some((name[prefix.len()..].to_owned(), value))
        };
        names.into_iter().filter_map(stripped).collect()
    }

    /// The parameters every list has.
    pub fn page(&mut self) -> Result<PageRequest> {
        let page = self.number("page", 0, limits::PAGE_NUMBER_MAX.into())?.unwrap_or(0);
        let size = self.number("size", 1, limits::PAGE_SIZE_MAX.into())?;
        let size = size.unwrap_or(limits::PAGE_SIZE_DEFAULT.into());
        let sort_by = self.one_of("sortBy", sort_by, &["createdAt", "updatedAt", "completedAt"])?;
        let direction = self.one_of("sort", direction, &["desc", "asc"])?;
        Ok(PageRequest {
            page: u32::try_from(page).unwrap_or(limits::PAGE_NUMBER_MAX),
            size: u32::try_from(size).unwrap_or(limits::PAGE_SIZE_MAX),
            sort_by: sort_by.unwrap_or(SortBy::CreatedAt),
            direction: direction.unwrap_or(Direction::Descending),
        })
    }

    /// Fails where a parameter is left that nobody asked for.
    pub fn finish(self) -> Result<()> {
        match self.pairs.into_keys().next() {
            Some(name) => Err(invalid(format!("unknown query parameter `{name}`"))),
            None => Ok(()),
        }
    }
}

fn sort_by(text: &str) -> Option<SortBy> {
    match text {
        "createdAt" => Some(SortBy::CreatedAt),
        "updatedAt" => Some(SortBy::UpdatedAt),
        "completedAt" => Some(SortBy::CompletedAt),
        _ => None,
    }
}

fn direction(text: &str) -> Option<Direction> {
    match text {
        "desc" => Some(Direction::Descending),
        "asc" => Some(Direction::Ascending),
        _ => None,
    }
}

fn invalid(message: impl Into<String>) -> Problem {
    Fault::invalid(message).into()
}

/// The parameters of [`Query::page`], for the OpenAPI document.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its description is used")]
pub struct PageParameters {
    /// From 0.
    #[param(minimum = 0, maximum = 1_000_000, default = 0)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100, default = 50)]
    size: Option<u32>,
    #[param(inline, rename = "sortBy")]
    sort_by: Option<SortByParameter>,
    #[param(inline)]
    sort: Option<SortParameter>,
}

#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its description is used")]
#[allow(clippy::enum_variant_names, reason = "the variants are names of fields")]
enum SortByParameter {
    CreatedAt,
    UpdatedAt,
    CompletedAt,
}

#[derive(Debug, utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its description is used")]
enum SortParameter {
    Desc,
    Asc,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<impl Sized>) -> String {
        result.err().map(|problem| problem.0.message).unwrap_or_default()
    }

    #[test]
    fn pages_have_bounds_and_defaults() {
        let page = |text: &str| Query::parse(text).and_then(|mut query| query.page());
        assert_eq!(page("").unwrap(), PageRequest::default());
        let third = page("page=2&size=10&sortBy=updatedAt&sort=asc").unwrap();
        assert_eq!((third.page, third.size, third.offset()), (2, 10, 20));
        for bad in [
            "page=-1",
            "page=a",
            "page=",
            "size=0",
            "size=101",
            "size=%2B5",
            "size=1.5",
            "sort=up",
            "sortBy=name",
            "sort=",
        ] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_unknown_or_given_twice_is_named() {
        assert_eq!(message(Query::parse("statu=x").unwrap().finish()), "unknown query parameter `statu`");
        assert_eq!(message(Query::parse("a=1&a=2")), "the query names `a` twice");
        assert!(Query::parse("a=%00").is_err());
    }

    #[test]
    fn prefixed_parameters_are_collected_and_a_lost_plus_is_found() {
        let mut query =
            Query::parse("metadata.a=1&metadata.b.c=2&createdAfter=2026-03-01T09:30:00+01:00").unwrap();
        let pairs: Vec<_> = query.prefixed("metadata.").into_iter().collect();
        assert_eq!(pairs, [("a".into(), "1".into()), ("b.c".into(), "2".into())]);
        assert_eq!(query.timestamp("createdAfter").unwrap().unwrap().to_string(), "2026-03-01T08:30:00Z");
        query.finish().unwrap();
    }
}
