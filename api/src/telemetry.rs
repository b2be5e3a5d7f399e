//! Metrics of the server in Prometheus' text format, as served at `/metrics`. Each server has its own registry, so that
//! several servers in one process do not mix.

use std::time::Duration;

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

/// Metrics of a server.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    /// Number of requests in progress.
    pub in_flight: IntGauge,
}

impl Metrics {
    /// Creates metrics that start at zero.
    pub fn new() -> prometheus::Result<Self> {
        let labels = ["method", "route", "status"];
        let requests = IntCounterVec::new(Opts::new("milepost_http_requests_total", "Requests answered."), &labels)?;
        let seconds = HistogramOpts::new("milepost_http_request_seconds", "Time to answer a request, in seconds.")
            .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]);
        let seconds = HistogramVec::new(seconds, &["method", "route"])?;
        let in_flight = IntGauge::new("milepost_http_requests_in_flight", "Number of requests in progress.")?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self { registry, requests, seconds, in_flight })
    }

    /// Counts a response under the pattern of its route. The path is not used, because it can take any number of
    /// values.
    pub fn record(&self, method: &str, route: &str, status: &str, took: Duration) {
        // A caller can send any method name.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = if known.contains(&method) { method } else { "OTHER" };
        self.requests.with_label_values(&[method, route, status]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// Returns the text that `/metrics` serves.
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing into memory cannot fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}
