//! What `/metrics` tells, in Prometheus' text format. One registry a server, so that servers in one process do not mix.

use std::time::Duration;

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// The server's meters.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    /// Requests being worked on.
    pub in_flight: IntGauge,
}

impl Metrics {
    /// Fresh meters.
    pub fn new() -> prometheus::Result<Self> {
        let labels = ["method", "route", "status"];
        let requests = IntCounterVec::new(Opts::new("milepost_http_requests_total", "Requests answered."), &labels)?;
        let seconds = HistogramOpts::new("milepost_http_request_seconds", "Time to answer a request, in seconds.")
            .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
        let seconds = HistogramVec::new(seconds, &["method", "route"])?;
        let in_flight = IntGauge::new("milepost_http_requests_in_flight", "Requests being worked on.")?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self { registry, requests, seconds, in_flight })
    }

    /// Counts an answer under its route's pattern: never the path, whose variety has no end.
    pub fn record(&self, method: &str, route: &str, status: &str, took: Duration) {
        // Anybody can invent methods.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = if known.contains(&method) { method } else { "OTHER" };
        self.requests.with_label_values(&[method, route, status]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// The text that `/metrics` answers.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing into memory cannot fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}
