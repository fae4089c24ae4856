; The set-up program for Windows, for Inno Setup 6: `python installer\build.py` calls it.
; Uninstalling leaves the user's sessions and settings, which lie in their own folders.
#define Root SourcePath + "..\.."

[Setup]
AppId=MMGPTDesktop
AppName=MMGPT Desktop
AppVersion={#Version}
AppPublisher=The MMGPT Desktop developers
VersionInfoVersion={#Version}
DefaultDirName={autopf}\MMGPT Desktop
DefaultGroupName=MMGPT Desktop
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
ChangesAssociations=yes
LicenseFile={#Root}\LICENSE
SetupIconFile={#Root}\build\icons\app.ico
UninstallDisplayIcon={app}\mmgpt-desktop.exe
OutputDir={#Root}\dist
OutputBaseFilename=MMGPT-Desktop-{#Version}-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[Files]
Source: "{#Root}\build\frozen\mmgpt-desktop\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\MMGPT Desktop"; Filename: "{app}\mmgpt-desktop.exe"
Name: "{autodesktop}\MMGPT Desktop"; Filename: "{app}\mmgpt-desktop.exe"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\.mmgpt"; ValueType: string; ValueData: "MMGPTDesktop.Session"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\MMGPTDesktop.Session"; ValueType: string; ValueData: "MMGPT Desktop session"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\MMGPTDesktop.Session\DefaultIcon"; ValueType: string; ValueData: "{app}\mmgpt-desktop.exe,0"
Root: HKA; Subkey: "Software\Classes\MMGPTDesktop.Session\shell\open\command"; ValueType: string; ValueData: """{app}\mmgpt-desktop.exe"" ""%1"""

[Run]
Filename: "{app}\mmgpt-desktop.exe"; Description: "{cm:LaunchProgram,MMGPT Desktop}"; Flags: nowait postinstall skipifsilent
