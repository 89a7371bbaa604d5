using Bitis.Quantization.Recipes;

namespace Bitis.Quantization.Methods;

/// <summary>The methods that a recipe can name.</summary>
public static class QuantizationMethods
{
    private static readonly Registry<QuantizationMethod> Known =
        new("method", $"{nameof(QuantizationMethods)}.{nameof(Register)}", method => method.Name, BuiltInMethods.All);

    /// <summary>All methods: ours from the simplest on, then those that were registered.</summary>
    public static IReadOnlyList<QuantizationMethod> All => Known.All;

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names => Known.Names;

    /// <summary>The method with a name.</summary>
    /// <exception cref="BitisException">There is no such method; the message lists them.</exception>
    public static QuantizationMethod Find(string name) => Known.Find(name);

    /// <summary>
    /// Adds a method from outside, for all recipes and files of this process (docs/custom-methods.md).
    /// </summary>
    /// <exception cref="ArgumentException">There is a method of that name.</exception>
    public static void Register(QuantizationMethod method) => Known.Register(method);
}
