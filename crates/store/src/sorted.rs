//! Lists in every order that the contract knows: the same statements for jobs and for runs.

/// Declares `COUNT` and a statement for each order over one noun, and `statement`, which chooses among these. The macros
/// named give its columns and, for each engine, `from … where …`; the last are the limit and the
/// offset.
macro_rules! sorted {
    ($columns:ident, $sqlite:ident, $postgres:ident, $window:literal) => {
        $crate::sorted::orders! { $columns, $sqlite, $postgres, $window;
            CREATED_ASCENDING: "created_at, id";
            CREATED_DESCENDING: "created_at desc, id desc";
            UPDATED_ASCENDING: "updated_at, id";
            UPDATED_DESCENDING: "updated_at desc, id desc";
            COMPLETED_ASCENDING: "completed_at nulls first, id";
            COMPLETED_DESCENDING: "completed_at desc nulls last, id desc";
        }

        fn statement(page: &domain::page::PageRequest) -> &'static $crate::sql::Sql {
            use domain::page::{Direction, SortBy};
            match (page.sort_by, page.direction) {
                (SortBy::CreatedAt, Direction::Ascending) => &CREATED_ASCENDING,
                (SortBy::CreatedAt, Direction::Descending) => &CREATED_DESCENDING,
                (SortBy::UpdatedAt, Direction::Ascending) => &UPDATED_ASCENDING,
                (SortBy::UpdatedAt, Direction::Descending) => &UPDATED_DESCENDING,
                (SortBy::CompletedAt, Direction::Ascending) => &COMPLETED_ASCENDING,
                (SortBy::CompletedAt, Direction::Descending) => &COMPLETED_DESCENDING,
            }
        }
    };
}

macro_rules! orders {
    ($columns:ident, $sqlite:ident, $postgres:ident, $window:literal; $($name:ident: $order:literal;)*) => {
        $crate::sql::statements! {
            COUNT = concat!("select count(*)", $sqlite!()), postgres concat!("select count(*)", $postgres!());
            $($name = concat!("select ", $columns!(), $sqlite!(), " order by ", $order, $window),
                postgres concat!("select ", $columns!(), $postgres!(), " order by ", $order, $window);)*
        }
    };
}

pub(crate) use {orders, sorted};
