//! The head of a delivery's request: what every attempt says of itself, whoever makes it.

use crate::{
    event::{API_VERSION, EventType},
    id::{DeliveryId, EventId, UlidId},
    time::Timestamp,
};

/// One attempt, as its headers tell it.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// New on each attempt.
    pub delivery_id: DeliveryId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub occurred_at: Timestamp,
    /// Absent for test events.
    pub sequence: Option<u64>,
    /// When the attempt is made, which is what is signed.
    pub at: Timestamp,
}

impl Head {
    /// The headers, names in lower case. `signature` and `standard_signature` are those of [`crate::signature`], made
    /// for the time of this attempt.
    pub fn headers(&self, signature: String, standard_signature: String) -> Vec<(&'static str, String)> {
        let event_id = self.event_id.to_string();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Plextera-Webhooks/1".to_owned()),
            ("x-plextera-delivery-id", self.delivery_id.to_string()),
            ("x-plextera-event-id", event_id.clone()),
            ("x-plextera-event-type", self.event_type.as_str().to_owned()),
            ("x-plextera-event-occurred-at", self.occurred_at.to_string()),
            ("x-plextera-api-version", API_VERSION.to_owned()),
            ("x-plextera-signature", signature),
            ("webhook-id", event_id),
            ("webhook-timestamp", self.at.as_seconds().to_string()),
            ("webhook-signature", standard_signature),
            ("traceparent", traceparent(self.event_id, self.delivery_id)),
        ];
        headers.extend(self.sequence.map(|sequence| ("x-plextera-sequence", sequence.to_string())));
        headers
    }
}

/// The trace of an event: its id's 128 bits in hex, so that every node, attempt and log line comes to the same without
/// asking.
pub fn trace_id(event_id: EventId) -> String {
    hex::encode(event_id.to_bytes())
}

/// W3C Trace Context, version 00, sampled: the event is the trace, the attempt is the span. The span's 8 bytes are the
/// random end of the attempt's id.
pub fn traceparent(event_id: EventId, delivery_id: DeliveryId) -> String {
    let span = &delivery_id.to_bytes()[8..];
    format!("00-{}-{}-01", trace_id(event_id), hex::encode(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_trace_and_an_attempt_a_span() {
        let event: EventId = "evt_01KJM94QY02WKMCE3N9PEXTH8G".parse().unwrap();
        let attempt: DeliveryId = "dlv_01KJMBQDE0000000AT7HVX22DY".parse().unwrap();
        let parent = traceparent(event, attempt);
        let parts: Vec<&str> = parent.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{parent}");
        assert_eq!((parts[0], parts[1], parts[3]), ("00", trace_id(event).as_str(), "01"));
        let other: DeliveryId = "dlv_01KJMBQDE0000000AT7HVX22DZ".parse().unwrap();
        assert_ne!(parts[2], traceparent(event, other).split('-').nth(2).unwrap());
    }

    #[test]
    fn a_test_event_has_no_sequence() {
        let head = Head {
            delivery_id: DeliveryId::from_parts(1, 1),
            event_id: EventId::from_parts(1, 2),
            event_type: EventType::JobFailed,
            occurred_at: Timestamp::from_ms(0),
            sequence: None,
            at: Timestamp::from_ms(5_000),
        };
        let names = |head: Head| -> Vec<_> {
            head.headers("a".into(), "b".into()).into_iter().map(|(name, _)| name).collect()
        };
        assert!(!names(head).contains(&"x-plextera-sequence"));
        assert!(names(Head { sequence: Some(1), ..head }).contains(&"x-plextera-sequence"));
    }
}
