//! Identifiers: what kind of thing, and which one.
//!
//! Most ids are a prefix and a ULID (`dijob_01J…`): 48 bits of milliseconds, 80 random bits, sortable by age. Ids of hubs and
//! runs are 24 lower-case hex digits, as clients of the hosted service know them. In the database a ULID is its 16 bytes.
//! A string of another kind or shape does not parse, so a file id can never be looked up as a job.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id (expected {shape})")]
pub struct InvalidId {
    pub kind: &'static str,
    pub shape: &'static str,
}

/// What every id made of a ULID offers.
pub trait UlidId: Sized + Copy {
    const PREFIX: &'static str;
    /// From milliseconds since the epoch (48 bits are used) and 80 random bits.
    fn from_parts(ms: u64, random: u128) -> Self;
    fn from_bytes(bytes: [u8; 16]) -> Self;
    fn to_bytes(self) -> [u8; 16];
}

macro_rules! string_forms {
    ($name:ident, $example:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(Self::PATTERN))
                    .examples([$example])
                    .into()
            }
        }
        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $name {}
    };
}

macro_rules! ulid_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ulid::Ulid);

        impl $name {
            /// The shape of the text form, as a regular expression.
            pub const PATTERN: &'static str = concat!("^", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25}$");
        }
        impl UlidId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_parts(ms: u64, random: u128) -> Self {
                Self(ulid::Ulid::from_parts(ms, random))
            }
            fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(ulid::Ulid::from_bytes(bytes))
            }
            fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { kind: $prefix, shape: concat!($prefix, "_ and 26 characters of a ULID") };
                let body = text.strip_prefix(concat!($prefix, "_")).ok_or(invalid)?;
                let ulid = ulid::Ulid::from_string(body).map_err(|_| invalid)?;
                // One spelling per id: lower case and look-alike letters decode, but are not what was issued.
                if ulid.to_string() == body { Ok(Self(ulid)) } else { Err(invalid) }
            }
        }
        string_forms!($name, $example);
    )*};
}

ulid_ids! {
    /// A stored file.
    FileId = "file", "file_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A Document Insights job.
    JobId = "dijob", "dijob_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// An event: one terminal state of one job or run.
    EventId = "evt", "evt_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// An event subscription.
    SubscriptionId = "sub", "sub_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A delivery, and each attempt at it.
    DeliveryId = "dlv", "dlv_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A decision that a workflow run waits for.
    ApprovalId = "apr", "apr_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// Work that a workflow run leaves to a user's own worker.
    TaskId = "task", "task_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A replay of a subscription's deliveries.
    ReplayId = "rpl", "rpl_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A labelled example of a hub.
    ExampleId = "ex", "ex_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// A feedback on a job.
    FeedbackId = "fb", "fb_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// An API key (its name, not its secret).
    KeyId = "key", "key_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
    /// An organization.
    OrgId = "org", "org_01JBM7ZK3QW8Y4T9V2N6R5XCHD";
}

macro_rules! hex_ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal, $example:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 12]);

        impl $name {
            /// The shape of the text form, as a regular expression.
            pub const PATTERN: &'static str = "^[0-9a-f]{24}$";

            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(bytes)
            }

            pub const fn to_bytes(self) -> [u8; 12] {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { kind: $kind, shape: "24 lower-case hex digits" };
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(invalid);
                }
                let mut bytes = [0; 12];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid)?;
                Ok(Self(bytes))
            }
        }
        string_forms!($name, $example);
    )*};
}

hex_ids! {
    /// A hub.
    HubId = "hub", "6721b0c4e5f60718293a4b5c";
    /// A workflow run.
    RunId = "run", "019a1c5be0f4d2a37c815e60";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_names_its_kind() {
        let id = JobId::from_parts(1_700_000_000_000, 42);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("dijob_"));
        assert_eq!(JobId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn other_kinds_shapes_and_spellings_are_refused() {
        let id = JobId::from_parts(1_700_000_000_000, 42).to_string();
        assert!(id.replace("dijob", "file").parse::<JobId>().is_err());
        assert!(id.to_lowercase().parse::<JobId>().is_err());
        assert!(format!("{id}0").parse::<JobId>().is_err());
        assert!("dijob_".parse::<JobId>().is_err());
        assert!("dijob_ZZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<JobId>().is_err(), "more than 128 bits");
    }

    #[test]
    fn hub_ids_are_lower_case_hex() {
        let id: HubId = "6721b0c4e5f60718293a4b5c".parse().unwrap();
        assert_eq!(id.to_string(), "6721b0c4e5f60718293a4b5c");
        assert!("6721B0C4E5F60718293A4B5C".parse::<HubId>().is_err());
        assert!("6721b0".parse::<HubId>().is_err());
    }
}
