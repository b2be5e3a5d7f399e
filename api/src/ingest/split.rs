//! Splitting of lists and objects into their parts without reading them, so that one that is no JSON does not cost the others.

/// Text that cannot be split.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has no end, or a bracket too many, at byte {at}")]
pub struct Unbalanced {
    at: usize,
}

/// Returns the texts of the elements of a JSON list, or of one more than the most that are wanted. Only brackets and strings must be in
/// order; what stands between them need not be JSON.
pub fn elements(text: &[u8], most: usize) -> Result<Vec<&[u8]>, Unbalanced> {
    let mut elements = vec![];
    scan(text, b'[', b']', |part| {
        elements.extend((!part.is_empty()).then_some(part));
        elements.len() <= most
    })?;
    Ok(elements)
}

/// Returns the text of the value of a field of a JSON object; the last one if there are several. `None` if it has no such field.
pub fn member<'a>(text: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, Unbalanced> {
    let mut found = None;
    scan(text, b'{', b'}', |field| {
        let value = || -> Option<&'a [u8]> {
            let (own, rest) = field.split_at(end_of_string(field)?);
            let value = rest.trim_ascii_start().strip_prefix(b":")?;
            (serde_json::from_slice::<String>(own).ok()? == name).then(|| value.trim_ascii())
        };
        found = value().or(found);
        true
    })?;
    Ok(found)
}

/// Returns the position after a string that the text begins with.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let rest = text.strip_prefix(b"\"")?;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Shows the texts between the commas of a list or an object, without the white space around them, until one is the last that is wanted.
fn scan<'a>(
    text: &'a [u8],
    open: u8,
    close: u8,
    mut wants_more: impl FnMut(&'a [u8]) -> bool,
) -> Result<(), Unbalanced> {
    let text = text.trim_ascii();
    let unbalanced = |at| Unbalanced { at };
    if text.first() != Some(&open) {
        return Err(unbalanced(0));
    }
    let (mut expected, mut first, mut at) = (vec![close], 1, 1);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += end_of_string(&text[at..]).ok_or(unbalanced(at))?;
                continue;
            }
            b'[' => expected.push(b']'),
            b'{' => expected.push(b'}'),
            b']' | b'}' => {
                if expected.pop() != Some(*byte) {
                    return Err(unbalanced(at));
                }
                if expected.is_empty() {
                    wants_more(text[first..at].trim_ascii());
                    return if at + 1 == text.len() { Ok(()) } else { Err(unbalanced(at + 1)) };
                }
            }
            b',' if expected.len() == 1 => {
                if !wants_more(text[first..at].trim_ascii()) {
                    return Ok(());
                }
                first = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    Err(unbalanced(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(list: &str) -> Option<Vec<&str>> {
        let found = elements(list.as_bytes(), 100).ok()?;
        Some(found.into_iter().map(|part| std::str::from_utf8(part).expect("text")).collect())
    }

    #[test]
    fn what_is_no_json_costs_none_of_the_others() {
        let list = r#" [ {"a": NaN}, {"b": "],[\\\""} , {"c": 1e999}, {"d": [1, {"e": "\ud800"}]}, Infinity ] "#;
        let expected =
            [r#"{"a": NaN}"#, r#"{"b": "],[\\\""}"#, r#"{"c": 1e999}"#, r#"{"d": [1, {"e": "\ud800"}]}"#, "Infinity"];
        assert_eq!(texts(list), Some(expected.to_vec()));
        assert_eq!((texts("[]"), texts("[NaN,]")), (Some(vec![]), Some(vec!["NaN"])));
        for broken in ["", "{}", "[", "[NaN}", "[NaN]]", "[\"NaN]", "[NaN] x"] {
            assert_eq!(texts(broken), None, "{broken}");
        }
    }

    #[test]
    fn what_is_too_much_is_not_collected() {
        assert_eq!(elements(b"[1, 2, 3, 4", 2).map(|found| found.len()), Ok(3), "one more than wanted");
        assert_eq!(elements(b"[,,,,1]", 2), Ok(vec![&b"1"[..]]));
    }

    #[test]
    fn a_field_is_found_beside_what_is_no_json() {
        let object = br#"{"sentAt": NaN, "context": {"batch": 1}, "batch" : [NaN], "x\"": 2}"#;
        assert_eq!(member(object, "batch"), Ok(Some(&b"[NaN]"[..])));
        assert_eq!(member(object, "x\""), Ok(Some(&b"2"[..])));
        assert_eq!(member(object, "writeKey"), Ok(None));
        assert!(member(b"[]", "batch").is_err());
    }

    proptest! {
        /// Whatever is JSON is split as a reader of JSON splits it.
        #[test]
        fn json_is_split_where_it_ends(texts in prop::collection::vec(".{0,12}", 0..6), number in any::<f64>()) {
            let list = serde_json::json!([texts, { "a": texts, "b": number }, number, texts]);
            let written = serde_json::to_string_pretty(&list).expect("JSON");
            let found = elements(written.as_bytes(), 100).expect("a list");
            let read: Vec<serde_json::Value> =
                found.iter().map(|part| serde_json::from_slice(part).expect("JSON")).collect();
            prop_assert_eq!(serde_json::Value::Array(read), list);
        }
    }
}
