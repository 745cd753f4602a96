-- question: Which files need this version of a symbol?
-- parameter: version = GLIBC_2.38: the version, as the linker writes it
-- optional: machine = %: only for processors whose name is like this
-- known: machine = SELECT machine FROM files
SELECT p.package, p.package_version, p.path, v.machine, v.library, v.is_weak,
       (SELECT string_agg(DISTINCT s.name, ' ' ORDER BY s.name)
        FROM symbols s WHERE s.file = v.file AND s.slice = v.slice AND s.version = v.name AND s.role = 'import') AS symbols
FROM versions v JOIN packages p USING (file)
WHERE v.role = 'need' AND v.name = $version AND v.machine LIKE $machine
ORDER BY ALL
