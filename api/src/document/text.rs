//! The document as text: JSON and YAML in an order made for readers, and YAML that readers of YAML 1.1 understand alike.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

/// Keys that come first in the objects that have them: the head of the document, and the media type that clients take by default.
const FIRST: [&str; 8] = ["openapi", "info", "servers", "security", "tags", "paths", "components", "application/json"];

/// A value whose objects are written in an order made for readers.
pub struct Ordered<'a>(pub &'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in ordered(fields) {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Ordered(item))?;
                }
                list.end()
            }
            other => other.serialize(serializer),
        }
    }
}

fn ordered(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    first.chain(fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str())))
}

/// Quotes what YAML 1.1 reads as something else than text: `on` and `no` as booleans, dates as dates, `1e-6` as text.
pub fn for_yaml_1_1(yaml: &str) -> String {
    let mut all = String::with_capacity(yaml.len() + yaml.len() / 50);
    let mut block_indent = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        if block_indent.is_some_and(|outer| line.trim().is_empty() || indent > outer) {
            all.push_str(line);
        } else {
            let written = quoted_line(line, indent);
            block_indent = is_block(line).then_some(indent);
            all.push_str(&written);
        }
        all.push('\n');
    }
    all
}

/// Whether a text of several lines follows.
fn is_block(line: &str) -> bool {
    ["|", "|-", "|+", ">", ">-", ">+"]
        .iter()
        .any(|mark| line.ends_with(&format!(": {mark}")) || line.ends_with(&format!("- {mark}")))
}

/// One line, `- ` marks, `key: ` and the plain value apart.
fn quoted_line(line: &str, indent: usize) -> String {
    let mut rest = &line[indent..];
    let mut written = line[..indent].to_owned();
    while let Some(item) = rest.strip_prefix("- ") {
        written.push_str("- ");
        rest = item;
    }
    if rest.starts_with(['\'', '"', '{', '[', '#']) {
        return written + rest;
    }
    match rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|key| (key, ""))) {
        Some((key, value)) if !key.contains([' ', '\'', '"']) => {
            written.push_str(&quoted(key));
            written.push(':');
            if !value.is_empty() {
                written.push(' ');
                written.push_str(&quoted(value));
            }
            written
        }
        _ => written + &quoted(rest),
    }
}

/// A plain scalar, quoted where a reader of YAML 1.1 would take it for something else.
fn quoted(scalar: &str) -> String {
    let is_word = matches!(scalar.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "=" | "<<");
    let bytes = scalar.as_bytes();
    let is_date = bytes.len() >= 10
        && bytes[..10]
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    let is_time = scalar.contains(':')
        && scalar.split(':').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_word || is_date || is_time {
        return format!("'{scalar}'");
    }
    // A number whose exponent has no sign or whose mantissa has no point is text to YAML 1.1.
    match scalar.split_once('e') {
        Some((mantissa, exponent))
            if !mantissa.is_empty()
                && mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                && exponent.strip_prefix('-').unwrap_or(exponent).bytes().all(|byte| byte.is_ascii_digit())
                && !exponent.is_empty() =>
        {
            format!("{mantissa}.0e{}{exponent}", if exponent.starts_with('-') { "" } else { "+" })
        }
        _ => scalar.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_1_1_misreads_is_quoted() {
        for (written, expected) in [
            ("on: 1", "'on': 1"),
            ("- on", "- 'on'"),
            ("    y: 2", "    'y': 2"),
            ("default: no", "default: 'no'"),
            ("as_of: 2026-05-04", "as_of: '2026-05-04'"),
            ("at: 2026-05-04T12:00:00Z", "at: '2026-05-04T12:00:00Z'"),
            ("minimum: 1e-6", "minimum: 1.0e-6"),
            ("maximum: 1000000", "maximum: 1000000"),
            ("- - key: off", "- - key: 'off'"),
            ("name: 'on'", "name: 'on'"),
            ("version: 0.1.0", "version: 0.1.0"),
            ("operationId: list_customers", "operationId: list_customers"),
            ("description: On the day: yes", "description: On the day: yes"),
        ] {
            assert_eq!(for_yaml_1_1(written), format!("{expected}\n"), "{written}");
        }
        let block = "description: |-\n  on: the day\n  2026-05-04\nnext: off";
        assert_eq!(for_yaml_1_1(block), "description: |-\n  on: the day\n  2026-05-04\nnext: 'off'\n");
    }
}
