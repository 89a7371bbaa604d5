using System.Text.RegularExpressions;

namespace Bitis.Checkpoints;

/// <summary>What the system says about a file that cannot be written, for messages.</summary>
internal static partial class SystemMessage
{
    /// <summary>The message without its full stop, and without the name of a temporary file, which means nothing to a user.</summary>
    public static string Of(Exception e) => TemporaryName().Replace(e.Message, "").TrimEnd('.');

    [GeneratedRegex(@"( :)? '.*\.bitis-[0-9a-f]{32}\.tmp'")]
    private static partial Regex TemporaryName();
}
