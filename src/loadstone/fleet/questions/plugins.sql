-- question: Which plugins implement an interface?
-- optional: iid = %: the interface, like this
-- known: iid = SELECT iid FROM plugins
SELECT coalesce(g.iid, '') AS iid, g.class_name, g.framework, g.qt_version, p.package, p.package_version, p.path, g.machine
FROM plugins g JOIN packages p USING (file) WHERE coalesce(g.iid, '') LIKE $iid ORDER BY ALL
