-- question: Which dependencies are found nowhere, and what does the loader say?
-- optional: name = %: only names like this
-- known: name = SELECT identity FROM files UNION ALL SELECT name FROM needs
SELECT DISTINCT r.source, p.package, p.package_version, r.requester AS path, r.name, d.verdict, d.code, d.explanation, d.advice
FROM resolutions r
LEFT JOIN (SELECT DISTINCT source, item, package, package_version FROM packages) p USING (source, item)
LEFT JOIN diagnoses d ON d.source = r.source AND d.item = r.item AND d.root = r.root AND contains(d.subject, r.name)
WHERE r.chosen IS NULL AND r.kind = 'needed' AND r.name LIKE $name
ORDER BY ALL
