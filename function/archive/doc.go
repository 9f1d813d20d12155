// Package archive reads the zip archives that function code comes in, and trusts nothing they say.
//
// An archive is opened, which judges everything that its directory declares, and then extracted, which judges what it
// really holds. Whatever it says, extraction never writes outside its folder, never makes a link that leads out of it,
// never makes anything but files, folders and links, and never writes more than the limit.
//
// Permissions are those of the archive when it was made on a system that has them; other archives get the usual ones,
// and their bootstrap is made executable.
package archive
