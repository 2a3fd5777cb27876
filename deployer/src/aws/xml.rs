//! XML, as IAM, CloudWatch and S3 send it: elements with elements or text in them. Attributes and comments do not count.

use aws_smithy_xml::decode::{Depth, Document, XmlDecodeError, try_data};

/// An element. What it has besides is ignored by those who read it, as new fields are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The root of a document. `None` if it is not whole.
    pub(super) fn read(document: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(document).ok()?;
        let depths = depths(text).ok().flatten()?;
        let (mut document, mut open) = (Document::new(text), Vec::<Self>::new());
        for (at, depth) in depths.iter().enumerate() {
            let start = document.next_start_element()?;
            let name = start.local().to_owned();
            // Only an element without others in it has a text.
            let is_leaf = depths.get(at + 1).is_none_or(|next| next <= depth);
            let text =
                if is_leaf { try_data(&mut document.scoped_to(start)).ok()?.into_owned() } else { String::new() };
            close(&mut open, *depth);
            open.push(Self { name, text, children: Vec::new() });
        }
        close(&mut open, 1);
        open.pop()
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The members of a list.
    pub(super) fn members(&self, list: &str) -> impl Iterator<Item = &Self> {
        let members = self.child(list).map(|list| list.children.as_slice()).unwrap_or_default();
        members.iter().filter(|member| member.name == "member")
    }

    /// The first of these that has a child of this name: the element itself, its children, theirs.
    pub(super) fn parent_of(&self, name: &str) -> Option<&Self> {
        if self.child(name).is_some() {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.parent_of(name))
    }
}

/// Puts the elements that are open at this depth and below it into those around them.
fn close(open: &mut Vec<Element>, depth: Depth) {
    while open.len() > depth.max(1) {
        if let (Some(child), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(child);
        }
    }
}

/// How deep each element of a document is, in their order. `None` if the document ends too early.
fn depths(text: &str) -> Result<Option<Vec<Depth>>, XmlDecodeError> {
    let mut end = None;
    for token in Document::new(text) {
        end = Some(token?.1);
    }
    let mut document = Document::new(text);
    let depths = std::iter::from_fn(|| document.next_start_element()).map(|start| start.depth()).collect();
    Ok((end == Some(0)).then_some(depths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_entities_and_without_what_is_unknown() {
        let document = br#"<?xml version="1.0"?><R xmlns="https://x/"><A><B>1 &lt; 2 &amp;&#x20;&quot;3&quot;</B><New><C/></New></A>
            <List><member><N>a</N></member><other/><member><N></N></member></List></R>"#;
        let root = Element::read(document).unwrap();
        assert_eq!(root.child("A").unwrap().text("B"), Some("1 < 2 & \"3\""));
        assert_eq!(root.child("A").unwrap().text("C"), None);
        let names: Vec<_> = root.members("List").map(|member| member.text("N").unwrap_or_default()).collect();
        assert_eq!(names, ["a", ""]);
        assert_eq!(root.members("None").count(), 0);
        assert_eq!(root.parent_of("C").unwrap().name, "New");
    }

    #[test]
    fn what_is_cut_off_or_not_xml_is_not_read() {
        let whole = "<R><A>x</A><A>y</A></R>";
        assert_eq!(Element::read(whole.as_bytes()).unwrap().children.len(), 2);
        for end in 0..whole.len() {
            assert_eq!(Element::read(&whole.as_bytes()[..end]), None, "{}", &whole[..end]);
        }
        for other in ["", "{}", "<html><br></html>", "<a>&nbsp;</a>", "\u{0}"] {
            assert_eq!(Element::read(other.as_bytes()), None, "{other}");
        }
    }
}
