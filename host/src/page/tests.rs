//! Pages are whole, need nothing else, and say nothing that they were not told.

use std::collections::HashSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::picture::Form;
use super::*;
use crate::pictures::{Axis, Curve, Diagram};

/// What must not come out as markup.
const EVIL: &str = "</title><script>alert('1')</script>\"'&amp;<b>";

fn diagram(name: &str) -> Drawn {
    let curve = |look, aside| Curve {
        name: format!("{name} {look}"),
        points: (1..=50)
            .map(|x| (f64::from(x), 1.0 / f64::from(x)))
            .collect(),
        band: (1..=50)
            .map(|x| (0.9 / f64::from(x), 1.1 / f64::from(x)))
            .collect(),
        best: Some(50.0),
        look,
        aside,
    };
    let diagram = Diagram {
        x: (Axis::Counts, name),
        y: (Axis::Magnitudes, name),
        curves: (0..20).map(|look| curve(look, look % 3 == 2)).collect(),
    };
    diagram.draw().unwrap()
}

/// A page with one of everything, all of whose words are `words`.
fn page(words: &str) -> Page {
    let mut figure = Figure::new(words);
    figure.diagram(diagram(words), words);
    figure.picture(Picture::image(b"<svg xmlns='http://www.w3.org/2000/svg'/>", words).unwrap());
    figure.picture(Picture::image(b"\x89PNG\r\n\x1a\n", words).unwrap());
    let badge = Badge {
        words: words.to_owned(),
        tone: Tone::Bad,
    };
    let table = Table::new(words, &[words, words, words])
        .row([words, words, words])
        .row([
            Cell::from(words),
            words.into(),
            Cell::Marked(words.to_owned(), badge.clone()),
        ]);
    let mut section = Section::new(words).verdict(badge);
    section.text(words);
    section.command(words);
    section.figure(figure);
    section.table(Table {
        folded: true,
        numeric: true,
        ..table.clone()
    });
    section.table(table);
    let sections = vec![section.clone(), Section::new(words), section];
    Page {
        sections,
        ..Page::new(words, words)
    }
}

fn parse(html: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(html, options).unwrap_or_else(|error| panic!("{error}:\n{html}"))
}

fn named<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
    let all = document.descendants();
    all.filter(|node| node.tag_name().name() == name).collect()
}

/// The text of an element and all that is in it.
fn words(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter(Node::is_text);
    texts.filter_map(|node| node.text()).collect()
}

#[test]
fn words_come_out_as_they_went_in() {
    let html = page(EVIL).render().unwrap();
    let document = parse(&html);
    for absent in ["script", "b"] {
        assert!(named(&document, absent).is_empty(), "{absent}");
    }
    for name in ["title", "h1", "code", "figcaption", "caption", "summary"] {
        let found = named(&document, name);
        assert!(
            !found.is_empty() && found.iter().all(|node| words(*node) == EVIL),
            "{name}"
        );
    }
    assert!(
        named(&document, "img")
            .iter()
            .all(|node| node.attribute("alt") == Some(EVIL))
    );
    // Also inside of a drawing.
    let texts = named(&document, "text");
    assert!(
        texts.iter().any(|node| words(*node).trim() == EVIL),
        "{html}"
    );
    assert!(
        named(&document, "li")
            .iter()
            .any(|node| words(*node).ends_with(&format!("{EVIL} 1")))
    );
}

#[test]
fn nothing_else_is_needed() {
    let html = page("words").render().unwrap();
    let document = parse(&html);
    let ids: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for node in document.descendants() {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            match name {
                "href" if value.starts_with('#') => {
                    assert!(unique.contains(&value[1..]), "{value}");
                }
                "href" | "src" => assert!(value.starts_with("data:"), "{name}={value}"),
                "aria-labelledby" => assert!(unique.contains(value), "{value}"),
                "style" | "srcset" | "action" | "background" => panic!("{name}={value}"),
                _ => assert!(!name.starts_with("on"), "{name}={value}"),
            }
        }
    }
    // Namespaces alone look like addresses.
    let rest = html.replace("xmlns=\"http://www.w3.org/", "");
    for address in ["://", "url(", "@import", "<script"] {
        assert!(!rest.contains(address), "{address}");
    }
}

#[test]
fn everything_has_a_name() {
    let html = page("words").render().unwrap();
    let document = parse(&html);
    assert_eq!(named(&document, "h1").len(), 1);
    assert_eq!(named(&document, "h2").len(), 3);
    assert_eq!(named(&document, "section").len(), 3);
    for (parent, child) in [
        ("figure", "figcaption"),
        ("table", "caption"),
        ("details", "summary"),
    ] {
        let parents = named(&document, parent);
        assert!(!parents.is_empty());
        for node in parents {
            let children = node
                .children()
                .filter(|node| node.tag_name().name() == child);
            assert_eq!(children.count(), 1, "a {parent} has one {child}");
        }
    }
    for node in named(&document, "th") {
        assert!(node.attribute("scope").is_some());
    }
    for node in document
        .descendants()
        .filter(|node| node.has_attribute("role"))
    {
        assert!(!node.attribute("aria-label").unwrap_or_default().is_empty());
    }
    // What is drawn and not hidden is one image with a name.
    for svg in named(&document, "svg") {
        let around = svg.parent().unwrap();
        let hidden = around.attribute("aria-hidden") == Some("true");
        assert!(hidden || around.attribute("role") == Some("img"));
    }
    for table in named(&document, "table") {
        let rows: Vec<usize> = table
            .descendants()
            .filter(|node| node.tag_name().name() == "tr")
            .map(|row| row.children().filter(Node::is_element).count())
            .collect();
        assert_eq!(rows, [3, 3, 3]);
    }
}

#[test]
fn a_dark_page_replaces_every_colour_of_a_drawing() {
    let html = page("words").render().unwrap();
    let known = named_colors();
    for (color, name) in &known {
        assert!(html.contains(&format!("--{name}: light-dark(")), "{name}");
        assert!(html.contains(&format!("[fill=\"{color}\"]")), "{color}");
    }
    let drawn = diagram("any").svg.to_string();
    let document = parse(&drawn);
    for node in document.descendants() {
        for name in ["fill", "stroke"] {
            let color = node.attribute(name).unwrap_or("none");
            let replaced = known.iter().any(|(known, _)| known == color);
            assert!(replaced || color == "none", "{color}");
        }
    }
}

#[test]
fn a_key_has_each_entry_once() {
    let mut figure = Figure::new("");
    figure.diagram(diagram("any"), "");
    figure.diagram(diagram("any"), "");
    assert_eq!(figure.key.len(), 20);
}

#[test]
fn only_pictures_are_pictures() {
    for bytes in [&b""[..], b"<html>", b"GIF89a", b"\x89PNG"] {
        assert!(Picture::image(bytes, "").is_err());
    }
    let svg = Picture::image(b"\n<svg></svg>", "").unwrap();
    assert_eq!(
        svg.form,
        Form::Image("data:image/svg+xml;base64,Cjxzdmc+PC9zdmc+".to_owned())
    );
}
