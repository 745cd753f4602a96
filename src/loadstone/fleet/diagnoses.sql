-- Why libraries of packages would not load, read off the graph: a name that no package of the source has where its
-- loader looks, and a version that the library found does not define. Whether a source is complete cannot be known, so
-- that what it lacks leaves the verdict open. Sources: ld.so(8); "Linux Standard Base", symbol versioning.
WITH refused AS (
    SELECT g.source, g.item, g.root, g.requester_file AS file, 'unknown' AS verdict, 'dep-not-found' AS code, g.name AS subject,
           'no package of this source has ' || g.name || ' where the loader of ' || g.requester || ' looks' AS explanation,
           'scan it together with the source that has ' || g.name || ', or add the dependency to the package' AS advice
    FROM graph g WHERE g.chosen IS NULL AND g.kind = 'needed'
    UNION ALL
    SELECT DISTINCT g.source, g.item, g.root, g.requester_file, 'fails', 'version-not-found', g.chosen,
           g.requester || ' needs version ' || v.name || ' of ' || g.name || ', which ' || g.chosen || ' does not define',
           'install a version of ' || g.name || ' that defines ' || v.name
    FROM graph g
    JOIN versions v ON v.file = g.requester_file AND v.role = 'need' AND v.library = g.name AND NOT v.is_weak
    SEMI JOIN (SELECT file FROM versions WHERE role = 'definition') any_version ON any_version.file = g.chosen_file
    ANTI JOIN (SELECT file, name FROM versions WHERE role = 'definition') d ON d.file = g.chosen_file AND d.name = v.name
)
SELECT source, item, root, file, verdict, code, true AS blocking, subject, explanation, advice FROM refused
