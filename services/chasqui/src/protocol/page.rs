//! The page of the protocol: Markdown as HTML that needs nothing else.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// What the page is written in.
const SOURCE: &str = include_str!("../../../../schemas/protocol/PROTOCOL.md");

const STYLE: &str = include_str!("page.css");

/// The page of the protocol.
#[must_use]
pub fn page() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>The Chasqui protocol</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n\
             </html>\n",
            rendered(SOURCE)
        )
    });
    &TEXT
}

fn rendered(source: &str) -> String {
    let mut events: Vec<_> = Parser::new_ext(source, Options::ENABLE_TABLES).collect();
    name_headings(&mut events);
    let mut text = String::new();
    html::push_html(&mut text, events.into_iter());
    text
}

/// Gives each heading the name that links in the page call it by.
fn name_headings(events: &mut [Event<'_>]) {
    let mut begun = None;
    let mut title = String::new();
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { .. }) => begun = Some(at),
            Event::Text(text) | Event::Code(text) if begun.is_some() => title += text,
            Event::End(TagEnd::Heading(_)) => {
                let named = begun.take().and_then(|begun| events.get_mut(begun));
                if let Some(Event::Start(Tag::Heading { id, .. })) = named {
                    *id = Some(slug(&std::mem::take(&mut title)).into());
                }
            }
            _ => {}
        }
    }
}

/// As the places where such pages are read name headings: lower case, hyphens for spaces, no punctuation.
fn slug(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chasqui_wire::Code;

    use super::*;

    fn all_between<'a>(text: &'a str, before: &str, behind: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split(behind).next()).collect()
    }

    #[test]
    fn every_link_into_the_page_leads_somewhere() {
        let ids = all_between(page(), "id=\"", "\"");
        let unique: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{ids:?}");
        let links = all_between(page(), "href=\"#", "\"");
        assert!(!links.is_empty());
        for link in links {
            assert!(unique.contains(link), "#{link} is nowhere in {ids:?}");
        }
        for code in Code::ALL {
            assert!(unique.contains(code.as_str()), "{code:?} has no place in the page");
        }
    }

    #[test]
    fn the_page_needs_nothing_else_and_runs_nothing() {
        for word in ["<script", "<link", "<img", "javascript:", "@import", "url("] {
            assert!(!page().contains(word), "{word}");
        }
        assert!(page().contains("href=\"/openapi.json\"") && page().contains("href=\"/asyncapi.json\""));
    }

    #[test]
    fn headings_are_named_as_links_call_them() {
        assert_eq!(slug("After `caught_up`"), "after-caught_up");
        assert_eq!(rendered("## Errors, and `x`\n"), "<h2 id=\"errors-and-x\">Errors, and <code>x</code></h2>\n");
    }
}
