//! Tables within a table.

use super::Section;

impl<'t> Section<'t, '_> {
    /// A table within this one, read by `read`; nothing when it is absent.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t, '_>) -> T,
    ) -> Option<T> {
        let found = self.optional(key, "a table", |v| v.as_table()).ok().flatten()?;
        let path = self.key(key);
        let mut section = Section {
            path,
            span: found.span,
            table: found.value,
            asked: Vec::new(),
            problems: self.problems,
        };
        let value = read(&mut section);
        section.finish();
        Some(value)
    }

    /// Like [`Self::table`], but it must be there.
    pub fn required_table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'t, '_>) -> T,
    ) -> Option<T> {
        if !self.table.iter().any(|(k, _)| k.get_ref() == key) {
            self.asked.push(key);
            let fix = format!("add a table [{}]", self.header(key));
            self.problem(self.span(), key, "is missing", fix);
            return None;
        }
        self.table(key, read)
    }

    /// A list of tables, each read by `read`.
    pub fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'t, '_>) -> Option<T>,
    ) -> Vec<T> {
        let expected = format!("a list of tables, [[{}]]", self.header(key));
        let Some(found) = self.optional(key, &expected, |v| v.as_array()).ok().flatten() else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for (index, item) in found.value.iter().enumerate() {
            let path = format!("{}[{index}]", self.key(key));
            let Some(table) = item.get_ref().as_table() else {
                self.problem(item.span(), key, "is not a table", format!("write [[{key}]]"));
                continue;
            };
            let problems = &mut *self.problems;
            let mut section =
                Section { path, span: item.span(), table, asked: Vec::new(), problems };
            all.extend(read(&mut section));
            section.finish();
        }
        all
    }
}
