//! The page: sections, tables and figures around plots and pictures.

use std::fmt::Write as _;

const STYLE: &str = "\
:root{--ink:#1b1f24;--soft:#5b6570;--line:#d6dbe0;--back:#fff;--mark:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa4ae;--line:#3a4149;--back:#15181c;--mark:#ff8a80}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid var(--line)}\
.verdict{font-size:1.1rem;padding:.7rem 1rem;border-left:4px solid var(--soft)}.verdict.bad{border-color:var(--mark)}\
figure{display:inline-block;margin:.6rem 1rem .6rem 0;vertical-align:top;max-width:100%}figcaption{color:var(--soft);font-size:.85rem;max-width:34rem}\
img{max-width:100%;min-width:min(100%,30rem);image-rendering:pixelated}summary{cursor:pointer}svg{max-width:100%;height:auto}svg text{fill:var(--ink);font:11px system-ui,sans-serif}\
table{border-collapse:collapse;font-size:.88rem;margin:.6rem 0}th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left}\
td.n{text-align:right;font-variant-numeric:tabular-nums}th{cursor:pointer}pre{overflow:auto;background:color-mix(in srgb,var(--line) 35%,transparent);padding:.8rem;font-size:.82rem}\
@media print{body{margin:0;max-width:none}th{cursor:auto}details>*{display:block}}";

/// Sorts a table by the column whose head was clicked; without scripts nothing is lost.
const SCRIPT: &str = "\
document.querySelectorAll('th').forEach(h=>h.addEventListener('click',()=>{\
const b=h.closest('table').tBodies[0],i=[...h.parentNode.children].indexOf(h),u=h.dataset.up=h.dataset.up==='1'?'':'1';\
[...b.rows].sort((p,q)=>{const x=p.cells[i].textContent,y=q.cells[i].textContent,d=parseFloat(x)-parseFloat(y);\
return (u?1:-1)*(isNaN(d)?x.localeCompare(y):d)}).forEach(r=>b.append(r))}));";

/// Replaces the characters that HTML gives a meaning.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page under construction.
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// A page with a title and a verdict in one sentence; `good` is false when somebody must look.
    pub fn new(title: &str, verdict: &str, good: bool) -> Page {
        let class = if good { "verdict" } else { "verdict bad" };
        let body =
            format!("<h1>{}</h1>\n<p class=\"{class}\">{}</p>\n", escape(title), escape(verdict));
        Page { title: title.to_owned(), body }
    }

    /// Begins a section.
    pub fn section(&mut self, heading: &str) -> &mut Page {
        let _ = writeln!(self.body, "<h2>{}</h2>", escape(heading));
        self
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str) -> &mut Page {
        let _ = writeln!(self.body, "<p>{}</p>", escape(text));
        self
    }

    /// A plot (SVG made by [`super::plot`]) with what it shows.
    pub fn plot(&mut self, svg: &str, caption: &str) -> &mut Page {
        let _ = writeln!(
            self.body,
            "<figure>{svg}<figcaption>{}</figcaption></figure>",
            escape(caption)
        );
        self
    }

    /// A picture (data URI) with what it shows.
    pub fn picture(&mut self, uri: &str, caption: &str) -> &mut Page {
        let caption = escape(caption);
        let _ = writeln!(
            self.body,
            "<figure><img src=\"{uri}\" alt=\"{caption}\"><figcaption>{caption}</figcaption></figure>"
        );
        self
    }

    /// A table; nothing when it has no row.
    pub fn table(&mut self, table: &Table) -> &mut Page {
        if !table.rows.is_empty() {
            self.body.push_str(&table.to_html());
        }
        self
    }

    /// Text to copy, in a fixed-width font.
    pub fn code(&mut self, text: &str) -> &mut Page {
        let _ = writeln!(self.body, "<pre>{}</pre>", escape(text));
        self
    }

    /// The same, folded up until somebody wants it.
    pub fn folded_code(&mut self, summary: &str, text: &str) -> &mut Page {
        let (summary, text) = (escape(summary), escape(text));
        let _ =
            writeln!(self.body, "<details><summary>{summary}</summary><pre>{text}</pre></details>");
        self
    }

    /// The section of what differs from run to run: times, machine, memory.
    pub fn run_section(&mut self, table: &Table) -> &mut Page {
        let _ = writeln!(
            self.body,
            "<section id=\"run\"><h2>This run</h2>{}</section>",
            table.to_html()
        );
        self
    }

    /// The whole page.
    pub fn finish(&self) -> String {
        let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{}</title><style>{STYLE}</style></head>\n<body>\n{}<script>{SCRIPT}</script></body></html>\n",
            escape(&self.title),
            self.body
        )
    }
}

/// A table of a page. A cell that reads as a number is set flush right.
#[derive(Debug, Clone, Default)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub fn new(head: &[&str]) -> Table {
        Table { head: head.iter().map(|h| (*h).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) -> &mut Table {
        self.rows.push(cells);
        self
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn to_html(&self) -> String {
        let mut html = String::from("<table><thead><tr>");
        for head in &self.head {
            let _ = write!(html, "<th>{}</th>", escape(head));
        }
        html.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for cell in row {
                let class = if cell.parse::<f64>().is_ok() { " class=\"n\"" } else { "" };
                let _ = write!(html, "<td{class}>{}</td>", escape(cell));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table>\n");
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_cannot_become_markup() {
        let mut page = Page::new("<script>alert(1)</script>", "fine", true);
        page.text("a < b").table(Table::new(&["x"]).row(vec!["<img>".to_owned()]));
        let html = page.finish();
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("a &lt; b") && html.contains("&lt;img&gt;"));
    }
}
