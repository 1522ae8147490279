//! Statements as data: one text each, two where the engines differ, all listed so that a test can prepare every one of
//! them on both engines.

/// A statement in the dialects of both engines.
#[derive(Debug)]
pub struct Sql {
    /// `module::NAME`, for errors and tests.
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

/// Declares statements and the module's list of them.
///
/// A text may be a literal or a `concat!`. Parameters are written `$1`: SQLite would take that for a *name* and number
/// it by first appearance, so its text is rewritten to `?1` at compile time.
///
/// Where PostgreSQL is to find rows by their ids, what else must hold of them is written `(…) is true` if there is an index of
/// the rows for which it holds (what waits, what is open): it often believes that reading such an index whole is as quick.
macro_rules! statements {
    ($($(#[$doc:meta])* $visible:vis $name:ident = $both:expr $(, postgres $postgres:expr)?;)*) => {
        $($(#[$doc])*
        $visible static $name: $crate::sql::Sql = {
            const SOURCE: &str = $both;
            const TEXT: [u8; SOURCE.len()] = $crate::sql::numbered(SOURCE);
            $crate::sql::Sql {
                name: concat!(module_path!(), "::", stringify!($name)),
                sqlite: match std::str::from_utf8(&TEXT) { Ok(text) => text, Err(_) => panic!() },
                postgres: $crate::sql::either!(SOURCE $(, $postgres)?),
            }
        };)*
        pub(crate) static STATEMENTS: &[&$crate::sql::Sql] = &[$(&$name),*];
    };
}

macro_rules! either {
    ($both:expr) => {
        $both
    };
    ($both:expr, $postgres:expr) => {
        $postgres
    };
}

pub(crate) use {either, statements};

/// `$1` becomes `?1`.
pub(crate) const fn numbered<const N: usize>(text: &str) -> [u8; N] {
    let from = text.as_bytes();
    let mut to = [0; N];
    let mut i = 0;
    while i < N {
        let is_parameter = from[i] == b'$' && i + 1 < N && from[i + 1].is_ascii_digit();
        to[i] = if is_parameter { b'?' } else { from[i] };
        i += 1;
    }
    to
}

#[cfg(test)]
mod tests {
    #[test]
    fn parameters_are_renamed_and_nothing_else() {
        const TEXT: &str = "select '$', $1, $23";
        let renamed: [u8; TEXT.len()] = super::numbered(TEXT);
        assert_eq!(std::str::from_utf8(&renamed), Ok("select '$', ?1, ?23"));
    }
}
