//! Lists as every endpoint gives them.

use crate::limits;
use serde::Serialize;

/// What a list is ordered by. Ties are broken by id, so that pages never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    CreatedAt,
    UpdatedAt,
    CompletedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Descending,
    Ascending,
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 0.
    pub page: u32,
    /// 1 to [`limits::PAGE_SIZE_MAX`].
    pub size: u32,
    pub sort_by: SortBy,
    pub direction: Direction,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            page: 0,
            size: limits::PAGE_SIZE_DEFAULT,
            sort_by: SortBy::CreatedAt,
            direction: Direction::Descending,
        }
    }
}

impl PageRequest {
    /// How many items stand before this page.
    pub fn offset(&self) -> u64 {
        u64::from(self.page) * u64::from(self.size)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PageInfo {
    pub page: u32,
    pub size: u32,
    pub total_items: u64,
    pub total_pages: u64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Paged<T> {
    pub data: Vec<T>,
    pub page_info: PageInfo,
}

impl<T> Paged<T> {
    pub fn new(data: Vec<T>, request: &PageRequest, total_items: u64) -> Self {
        let total_pages = total_items.div_ceil(u64::from(request.size));
        Self {
            data,
            page_info: PageInfo { page: request.page, size: request.size, total_items, total_pages },
        }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged { data: self.data.into_iter().map(f).collect(), page_info: self.page_info }
    }
}
