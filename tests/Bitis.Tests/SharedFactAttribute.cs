namespace Bitis.Tests;

/// <summary>A test that needs a shared file, and shows as skipped where the file is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    /// <summary>Skips the test unless the shared file is there.</summary>
    public SharedFactAttribute(string file)
    {
        if (SharedFiles.Find(file) is null)
            Skip = $"The shared file {file} is not on this machine.";
    }
}
