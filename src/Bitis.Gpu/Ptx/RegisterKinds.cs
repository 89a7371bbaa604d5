namespace Bitis.Gpu.Ptx;

/// <summary>How the kinds of registers are written.</summary>
internal static class RegisterKinds
{
    /// <summary>All kinds, in the order of their declarations.</summary>
    public static IReadOnlyList<RegisterKind> All { get; } = Enum.GetValues<RegisterKind>();

    /// <summary>The letter with which names of such registers begin.</summary>
    public static char Letter(this RegisterKind kind) => kind switch
    {
        RegisterKind.Word => 'r',
        RegisterKind.Long => 'd',
        RegisterKind.Float => 'f',
        RegisterKind.Half => 'h',
        _ => 'p',
    };

    /// <summary>The type in the declaration of such registers.</summary>
    public static string DeclaredType(this RegisterKind kind) => kind switch
    {
        RegisterKind.Word => "b32",
        RegisterKind.Long => "b64",
        RegisterKind.Float => "f32",
        RegisterKind.Half => "b16",
        _ => "pred",
    };
}
