// The same by node-tar, which npm publishes with: DIR, of which it packs all, to FILE.
const tar = require('tar')
tar.create({ cwd: process.argv[2], file: process.argv[3], sync: true, portable: process.argv[4] === 'portable' }, ['.'])
