; Installs the frozen program on Windows for one user, without asking for an administrator.
; Inno Setup 6.3 or newer, after "pyinstaller build.spec":  iscc resources\installer\mtaa-workbench.iss

#ifndef Version
  #define Version "0.1.0"
#endif
#define Name "MTAA Workbench"
#define Built "..\..\dist\MTAA Workbench"

[Setup]
; An update is known by this number as one and takes the place of what is there.
AppId={{6B0C6E0E-7B0C-4C39-9A43-5D0A1C8E6F27}
AppName={#Name}
AppVersion={#Version}
PrivilegesRequired=lowest
DefaultDirName={localappdata}\Programs\{#Name}
DisableProgramGroupPage=yes
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesAssociations=yes
CloseApplications=yes
LicenseFile=..\..\LICENSE
SetupIconFile=mtaa-workbench.ico
UninstallDisplayIcon={app}\{#Name}.exe
OutputDir=..\..\dist
OutputBaseFilename=mtaa-workbench-{#Version}
Compression=lzma2
SolidCompression=yes

[InstallDelete]
; What an earlier version brought and this one does not.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Built}\*"; DestDir: "{app}"; Flags: recursesubdirs createallsubdirs ignoreversion

[Icons]
Name: "{userprograms}\{#Name}"; Filename: "{app}\{#Name}.exe"

[Registry]
; The kinds of files, and the names under which Windows starts the programs.
Root: HKCU; Subkey: "Software\Classes\.mtaacase"; ValueType: string; ValueData: "MTAAWorkbench.Case"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Case"; ValueType: string; ValueData: "MTAA Workbench case"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Case\DefaultIcon"; ValueType: string; ValueData: """{app}\{#Name}.exe"",0"
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Case\shell\open\command"; ValueType: string; ValueData: """{app}\{#Name}.exe"" ""%1"""
Root: HKCU; Subkey: "Software\Classes\.mtaapack"; ValueType: string; ValueData: "MTAAWorkbench.Pack"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Pack"; ValueType: string; ValueData: "MTAA Workbench model pack"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Pack\DefaultIcon"; ValueType: string; ValueData: """{app}\{#Name}.exe"",0"
Root: HKCU; Subkey: "Software\Classes\MTAAWorkbench.Pack\shell\open\command"; ValueType: string; ValueData: """{app}\{#Name}.exe"" ""%1"""
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\App Paths\mtaa.exe"; ValueType: string; ValueData: "{app}\mtaa.exe"; Flags: uninsdeletekey
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\App Paths\mtaa-workbench.exe"; ValueType: string; ValueData: "{app}\{#Name}.exe"; Flags: uninsdeletekey
