//! The dashboard and the alert rules in `ops/`, against what a running server exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};
use testkit::{
    program::Program,
    receiver::{Behavior, Receiver},
};

const DASHBOARD: &str = include_str!("../../../../ops/grafana/plextera.json");
const ALERTS: &str = include_str!("../../../../ops/prometheus/alerts.yml");
const JOB_TIME_MAX: Duration = Duration::from_secs(60);

/// The metrics that a text names. The parts of a histogram count as the histogram.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let metrics = words.filter(|word| word.starts_with("plextera_")).map(|word| {
        ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| word.strip_suffix(part))
            .unwrap_or(word)
            .to_owned()
    });
    metrics.collect()
}

/// Each metric with the names of its labels.
async fn exported(server: &Program) -> BTreeMap<String, BTreeSet<String>> {
    let text =
        server.client().get(format!("{}/metrics", server.url())).send().await.unwrap().text().await.unwrap();
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("plextera_")) {
        // Routes have braces of their own.
        let (series, _) = line.rsplit_once(' ').unwrap_or_default();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let known = metrics.entry(metrics_in(name).into_iter().next().unwrap_or_default()).or_default();
        let pairs = labels.trim_end_matches('}').split("\",");
        known.extend(pairs.filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())));
    }
    metrics
}

/// What two servers export to which everything has happened that is counted.
async fn eventful() -> BTreeMap<String, BTreeSet<String>> {
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let roomy = Program::start(binary, &[("PLEXTERA_DELIVERY__RETRY_SCHEDULE", "50ms")]).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    receiver.script([Behavior::status(500), Behavior::status(500)]);
    roomy.subscribe(&receiver.url("/"), "a secret").await.unwrap();
    let id = roomy.submit("invoice.pdf", testkit::hostile::invoice()).await.unwrap();
    roomy.ended(&id, JOB_TIME_MAX).await.unwrap().expect("it ends");
    receiver.request(2).await;
    settled(&roomy).await;
    let mut metrics = exported(&roomy).await;

    // Too little memory for any reader.
    let cramped = [("PLEXTERA_DOCUMENT__MEMORY_BYTES_MAX", "30000000")];
    let cramped = Program::start(binary, &cramped).await.unwrap();
    cramped.submit("invoice.pdf", testkit::hostile::invoice()).await.unwrap();
    let breaches = "plextera_sandbox_breaches_total";
    let broken = async {
        loop {
            if let Some(labels) = exported(&cramped).await.remove(breaches) {
                return labels;
            }
            tokio::task::yield_now().await;
        }
    };
    let labels = tokio::time::timeout(JOB_TIME_MAX, broken).await.expect("a reader breaks");
    metrics.insert(breaches.to_owned(), labels);
    metrics
}

/// Waits until no delivery is waiting, so that all that happened to them is counted.
async fn settled(server: &Program) {
    let id = server.get("/event-subscriptions").await.unwrap()["data"][0]["id"].as_str().unwrap().to_owned();
    let waiting = format!("/event-subscriptions/{id}/deliveries?status=PENDING");
    while server.get(&waiting).await.unwrap()["pageInfo"]["totalItems"] != 0 {
        tokio::task::yield_now().await;
    }
}

/// Labels that the expressions of a text select or group by.
fn labels_in(text: &str) -> BTreeSet<&str> {
    let grouped = text.split("by (").skip(1).flat_map(|rest| rest.split(')').next().unwrap().split(", "));
    let selected = text.split('{').skip(1).flat_map(|rest| {
        let selectors = rest.split('}').next().unwrap().split(',');
        selectors.filter_map(|one| one.split_once(['=', '!']).map(|(name, _)| name))
    });
    grouped.chain(selected).collect()
}

/// All expressions: of the dashboard's panels, of the alert rules.
fn expressions() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut expressions: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    let mut lines = ALERTS.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(text) = line.trim().strip_prefix("expr: ") else { continue };
        let mut expression = text.trim_matches('>').trim().to_owned();
        while lines.peek().is_some_and(|next| next.starts_with("          ")) {
            expression.push_str(lines.next().unwrap());
        }
        expressions.push(expression);
    }
    expressions
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_is_watched_is_exported_with_its_labels() {
    let exported = eventful().await;
    let (shown, watched) = (metrics_in(DASHBOARD), metrics_in(ALERTS));
    for name in shown.union(&watched) {
        assert!(exported.contains_key(name), "{name} is not exported: {:?}", exported.keys());
    }
    let expressions = expressions();
    assert!(expressions.len() > 20, "{expressions:?}");
    // Prometheus adds these itself.
    let added = ["instance", "job", "le"];
    for expression in &expressions {
        let of_these = metrics_in(expression);
        for label in labels_in(expression).into_iter().filter(|label| !added.contains(label)) {
            let known = of_these.iter().any(|name| exported[name].contains(label));
            assert!(known, "no metric of `{expression}` has the label {label}: {exported:?}");
        }
        let open = expression.matches('(').count();
        assert_eq!(open, expression.matches(')').count(), "{expression}");
    }
}

#[test]
fn panels_do_not_overlap_and_have_ids_of_their_own() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for row in place("y")..place("y") + place("h") {
            for column in place("x")..place("x") + place("w") {
                assert!(column < 24 && places.insert((row, column)), "{panel}");
            }
        }
    }
}
