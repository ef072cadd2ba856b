//! Hover through the server, at every field of every sample of the catalog.

use crate::catalog_samples::families;
use crate::client::Client;

#[test]
fn every_field_of_every_sample_has_its_hover() {
    let mut client = Client::start_pulling();
    let mut n_hovers = 0;
    for family in families() {
        for (shape_idx, shape) in family.shapes.iter().enumerate() {
            for (sample_idx, sample) in shape.samples.iter().enumerate() {
                let uri = format!("file:///{}-{shape_idx}-{sample_idx}.log", family.id);
                client.open(&uri, &sample.document());
                for (id, start, end) in shape.spans(sample) {
                    let hover = client.hover(&uri, sample.line(), utf16(&sample.text, start));
                    let about = format!("{id} in {}", sample.text);
                    let title = &family.fields.iter().find(|field| field.id == id).expect("a declared field").title;
                    let text = hover["contents"]["value"].as_str().unwrap_or_else(|| panic!("no hover: {about}"));
                    assert!(text.starts_with(title.as_str()), "{about}: {text}");
                    assert_eq!(hover["range"]["start"]["character"], utf16(&sample.text, start), "{about}");
                    assert_eq!(hover["range"]["end"]["character"], utf16(&sample.text, end), "{about}");
                    n_hovers += 1;
                }
                client.close(&uri);
            }
        }
    }
    assert!(n_hovers > 300, "{n_hovers} hovers: the samples are not all there");
    client.finish();
}

/// UTF-16 units before a byte.
fn utf16(text: &str, byte: usize) -> u32 {
    text[..byte].encode_utf16().count() as u32
}
