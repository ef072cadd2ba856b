//! The site with the reference, for clients and tools that open pages in a browser.

use std::sync::LazyLock;

use ide::Links;

/// The site whose address was given when this was built, if one was.
pub(crate) fn site() -> Option<&'static Links> {
    static SITE: LazyLock<Option<Links>> = LazyLock::new(|| option_env!("GOTRACELENS_DOCS_URL").and_then(Links::site));
    SITE.as_ref()
}
